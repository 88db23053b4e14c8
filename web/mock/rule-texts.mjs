// The rules that the mock has from the start: packages with a filter among them, and texts of the account's own.

const sample = (action, more = '') => `{eventTime: '2026-03-02T10:00:00Z', action: ${action}, outcome: ${more === '' ? 'success' : 'failure'}, initiator: {id: id-alice, name: alice}, target: {id: k17, name: k17}${more}}`

/** In the bucket it is JSON; the mock reads Sigma only. */
const laidRule = (id, title, action) => `title: ${title}\nid: ${id}\nlevel: medium\nlogsource: {category: activity}\ndetection:\n  found: {action: ${action}}\n  condition: found\n`

export const PACKAGES = [
  {
    id: 'mock-sign-in', title: 'People and refusals', description: 'Who is refused, and how often.', version: '1.0.0', author: 'whodid', licence: 'Apache-2.0', sources: [], area: 'identity-and-access', is_builtin: true, needs_configuration: false, is_enabled: true, variables: [],
    files: {
      'refused.yaml': `title: A call was refused
id: mock-refused
description: Counted by the rule beside it.
level: informational
logsource: {category: activity}
detection:
  refused: {outcome: failure, reason.reasonCode: '403'}
  condition: refused
tests:
  - name: refused
    event: ${sample('kms.secrets.read', ", reason: {reasonCode: '403'}")}
    expect: match
  - name: not there
    event: ${sample('kms.secrets.read', ", reason: {reasonCode: '404'}")}
    expect: no_match
---
title: Many refused calls of one person
id: mock-refused-burst
description: Somebody tries again and again what they may not do.
level: critical
tags: [attack.t1110]
correlation:
  type: event_count
  rules: [mock-refused]
  group-by: [initiator.name]
  timespan: 15m
  condition:
    gte: 10
falsepositives:
  - A program whose role was taken away.
whodid:
  next_steps:
    - Ask them whether it was they.
    - If not, end their sessions and revoke their keys.
`,
      'policy.yaml': `title: A policy of access was changed
id: mock-policy-changed
description: A policy says who may do what.
level: low
logsource: {category: activity}
detection:
  changed: {action: iam-am.policy.update, outcome: success}
  condition: changed
`,
    },
  },
  {
    id: 'mock-data', title: 'Keys and data', description: 'What is gone for good.', version: '1.2.0', author: 'whodid', licence: 'Apache-2.0', sources: ['ibm-at', 'cadf'], area: 'data-and-kubernetes', is_builtin: true, needs_configuration: false, is_enabled: true, variables: [],
    files: {
      'deleted.yaml': `title: A key was deleted
id: mock-key-deleted
description: What it encrypted can no longer be read.
level: high
tags: [attack.t1485, attack.impact]
logsource: {category: activity}
detection:
  deleted: {action: kms.secrets.delete, outcome: success}
  condition: deleted
references:
  - https://attack.mitre.org/techniques/T1485/
whodid:
  policy: {dedup_key: [initiator.name], dedup_window: 24h}
  next_steps:
    - Restore the key while that is still possible.
tests:
  - name: deleted
    event: ${sample('kms.secrets.delete')}
    expect: match
  - name: read
    event: ${sample('kms.secrets.read')}
    expect: no_match
---
title: A backup was deleted
id: mock-backup-deleted
description: Backups go by themselves when they are old.
level: medium
logsource: {category: activity}
detection:
  deleted: {action|endswith: object.delete, target.name|startswith: backups/}
  condition: deleted
whodid:
  policy: {dedup_key: [initiator.name], dedup_window: 24h}
`,
      'backup-agent.yaml': `title: The backup agent may delete backups
id: mock-backup-agent-may
description: It deletes what is older than a month.
logsource: {category: activity}
filter:
  rules: [mock-backup-deleted]
  agent: {initiator.name: backup-agent}
  condition: not agent
`,
    },
  },
  {
    id: 'mock-payments', title: 'Payments', description: 'Who changes where money goes.', version: '0.3.0', author: 'Example Corp', licence: 'Apache-2.0', sources: ['cloudtrail'], area: null, is_builtin: false, needs_configuration: true, is_enabled: false,
    variables: [{ name: 'payment_admins', type: 'text', description: 'Who may change payees.', values: [], is_default: true }],
    files: {
      'payees.yaml': `title: A payee was changed by somebody else
id: mock-payee-changed
level: high
logsource: {category: activity}
detection:
  changed: {action: payees.update}
  known:
    initiator.name|expand: '%payment_admins%'
  condition: changed and not known
`,
    },
  },
  {
    id: 'bucket-kms-rules', title: 'kms-rules', description: "Rules of Security Advisor from the file IBM.rules/activities/kms-rules.json in the account's storage.", version: '2.0.0', author: 'not stated', licence: 'not stated', sources: [], area: null, is_builtin: false, needs_configuration: false, is_enabled: true, variables: [],
    file: 'IBM.rules/activities/kms-rules.json', problem: 'nothing was installed. line 14: kms-rotated: a rule has `conditions`',
    files: { 'kms-rules.json': laidRule('kms-imported', 'A key was imported', 'kms.secrets.import') },
  },
]

/** Files in the bucket that are no package yet, and why. */
export const LAID = [
  {
    message: 'this is no JSON, and could not be mended: EOF while parsing a list at line 31 column 1',
    package: {
      id: 'bucket-network', title: 'network', description: "Rules of Security Advisor from the file IBM.rules/activities/network.json in the account's storage.", version: '1.0.0', author: 'not stated', licence: 'not stated', sources: [], area: null, is_builtin: false, needs_configuration: false, is_enabled: true, variables: [],
      file: 'IBM.rules/activities/network.json', files: { 'network.json': laidRule('network-opened', 'A network was opened to everybody', 'is.security-group.open') },
    },
  },
]

export const OWN = [
  {
    is_enabled: true,
    text: `title: The policy of a bucket was changed
id: own-bucket-policy
description: Buckets are private here.
level: medium
logsource: {category: activity}
detection:
  changed: {action: PutBucketPolicy}
  condition: changed
whodid:
  policy: {dedup_key: [target.name], dedup_window: 24h}
tests:
  - name: changed
    event: ${sample('PutBucketPolicy')}
    expect: match
`,
  },
  {
    is_enabled: true,
    text: `title: Billing may do what it does
id: own-billing-may
description: It was looked at in the yearly audit.
logsource: {category: activity}
filter:
  rules: any
  billing: {initiator.name: billing-sync}
  condition: not billing
`,
  },
  {
    is_enabled: false,
    text: `title: Somebody took on a role of another account whose name is rather long, as names of roles in large organisations tend to be
id: own-role-of-another-account-that-has-a-rather-long-id-as-well
level: low
logsource: {category: activity}
detection:
  taken: {action: AssumeRole, outcome: success}
  condition: taken
`,
  },
]
