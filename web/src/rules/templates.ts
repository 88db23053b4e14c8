/** Whole rules with their tests, to begin from. Each passes its tests as it stands. */

export interface Template {
  id: string
  label: string
  what: string
  text: string
}

const event = (time: string, action: string, who: string, more = ''): string =>
  `{eventTime: '2026-03-02T${time}Z', action: ${action}, outcome: ${more.startsWith('failure') ? 'failure' : 'success'}, initiator: {id: id-${who}, name: ${who}, host: {address: ${/address (\S+)/.exec(more)?.[1] ?? '192.0.2.10'}}}, target: {id: key-17, name: key-17, typeURI: kms/secrets}}`

export const TEMPLATES: readonly Template[] = [
  {
    id: 'high-risk',
    label: 'A high-risk call',
    what: 'One call that nobody makes on an ordinary day. Every match counts.',
    text: `title: A key was deleted
id: own-key-deleted
description: >-
  A key was deleted. What it encrypted can no longer be read.
level: high
tags: [attack.t1485]
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.delete
    outcome: success
  condition: selection
falsepositives:
  - Test keys that are cleared away on purpose.
whodid:
  policy: {dedup_key: [initiator.name], dedup_window: 60m}
  next_steps:
    - Ask who did it whether it was meant.
    - Restore the key while that is still possible.
tests:
  - name: a key is deleted
    event: ${event('10:00:00', 'kms.secrets.delete', 'alice')}
    expect: match
  - name: a key is read
    event: ${event('10:00:00', 'kms.secrets.read', 'alice')}
    expect: no_match
`,
  },
  {
    id: 'threshold',
    label: 'Many within a time',
    what: 'A single one is nothing; ten of the same person within ten minutes are.',
    text: `title: A call was refused
id: own-call-refused
description: Counted by the rule beside it.
level: informational
logsource: {category: activity}
detection:
  selection:
    outcome: failure
  condition: selection
tests:
  - name: refused
    event: ${event('10:00:00', 'kms.secrets.read', 'alice', 'failure')}
    expect: match
---
title: Many refused calls of one person
id: own-many-refused
description: >-
  Ten refused calls of one person within ten minutes: somebody tries what they may do.
level: medium
tags: [attack.t1580]
correlation:
  type: event_count
  rules: [own-call-refused]
  group-by: [initiator.name]
  timespan: 10m
  condition:
    gte: 10
falsepositives:
  - A program whose rights were just taken away.
whodid:
  policy: {dedup_window: 6h}
  next_steps:
    - See what was tried, and what worked after it.
tests:
  - name: ten within ten minutes
    events:
      - {repeat: 10, every: 30s, event: ${event('10:00:00', 'kms.secrets.read', 'alice', 'failure')}}
    expect: match
  - name: nine
    events:
      - {repeat: 9, every: 30s, event: ${event('10:00:00', 'kms.secrets.read', 'alice', 'failure')}}
    expect: no_match
`,
  },
  {
    id: 'sequence',
    label: 'One after the other',
    what: 'Each alone is work; in this order, by the same person, within a short time, it is not.',
    text: `title: A policy was changed
id: own-policy-changed
description: What happens first.
level: informational
logsource: {category: activity}
detection:
  selection:
    action: iam-am.policy.update
    outcome: success
  condition: selection
tests:
  - name: changed
    event: ${event('10:00:00', 'iam-am.policy.update', 'alice')}
    expect: match
---
title: A key was deleted soon after
id: own-key-deleted-after
description: What happens next.
level: informational
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.delete
    outcome: success
  condition: selection
tests:
  - name: deleted
    event: ${event('10:00:00', 'kms.secrets.delete', 'alice')}
    expect: match
---
title: Rights were widened, then a key was deleted
id: own-policy-then-key
description: >-
  Somebody changed a policy and deleted a key within an hour: rights that were taken for one deed.
level: high
tags: [attack.t1098, attack.t1485]
correlation:
  type: temporal_ordered
  rules: [own-policy-changed, own-key-deleted-after]
  group-by: [initiator.name]
  timespan: 1h
falsepositives:
  - Clearing away a project that has ended.
whodid:
  policy: {dedup_window: 24h}
  next_steps:
    - See what else the policy allowed, and to whom.
tests:
  - name: in this order
    events:
      - ${event('10:00:00', 'iam-am.policy.update', 'alice')}
      - {after: 10m, event: ${event('10:00:00', 'kms.secrets.delete', 'alice')}}
    expect: match
  - name: the other way round
    events:
      - ${event('10:00:00', 'kms.secrets.delete', 'alice')}
      - {after: 10m, event: ${event('10:00:00', 'iam-am.policy.update', 'alice')}}
    expect: no_match
`,
  },
  {
    id: 'new-value',
    label: 'A value never seen before',
    what: 'Somebody does something from an address, in a region, on a thing that is new for them.',
    text: `title: A secret was read
id: own-secret-read
description: Looked at by the rule beside it.
level: informational
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.read
    outcome: success
  condition: selection
tests:
  - name: read
    event: ${event('10:00:00', 'kms.secrets.read', 'alice')}
    expect: match
---
title: Secrets read from a new address
id: own-secret-read-new-address
description: >-
  Somebody who has read secrets at least twenty times reads one from an address not seen of them for 30 days.
level: medium
tags: [attack.t1078]
correlation:
  type: new_terms
  rules: [own-secret-read]
  group-by: [initiator.name]
  timespan: 30d
  field: initiator.host.address
  min_history: 20
falsepositives:
  - People on a journey.
whodid:
  policy: {dedup_window: 24h}
  next_steps:
    - Ask whether it was them.
tests:
  - name: a new address
    events:
      - {repeat: 20, every: 1m, event: ${event('10:00:00', 'kms.secrets.read', 'alice')}}
      - {after: 2h, event: ${event('10:00:00', 'kms.secrets.read', 'alice', 'address 203.0.113.9')}}
    expect: match
  - name: the usual address
    events:
      - {repeat: 21, every: 1m, event: ${event('10:00:00', 'kms.secrets.read', 'alice')}}
    expect: no_match
`,
  },
  {
    id: 'outside-hours',
    label: 'Outside of working hours',
    what: 'By day it is work; at night and at weekends somebody should look.',
    text: `title: Rights were changed outside of working hours
id: own-rights-after-hours
description: >-
  A role was given or a policy changed at night or at a weekend.
level: medium
tags: [attack.t1098]
logsource: {category: activity}
detection:
  selection:
    action:
      - iam-am.policy.create
      - iam-am.policy.update
    outcome: success
  condition: selection
falsepositives:
  - Whoever is on call.
whodid:
  hours: {outside: '08:00-18:00', days: [mon, tue, wed, thu, fri], time_zone: Europe/Berlin}
  policy: {dedup_key: [initiator.name], dedup_window: 12h}
  next_steps:
    - Compare with who was on call.
tests:
  - name: at night
    at: '2026-03-02T02:00:00Z'
    event: ${event('02:00:00', 'iam-am.policy.update', 'alice')}
    expect: match
  - name: at noon
    at: '2026-03-02T12:00:00Z'
    event: ${event('12:00:00', 'iam-am.policy.update', 'alice')}
    expect: no_match
`,
  },
  {
    id: 'absence',
    label: 'What should follow does not',
    what: 'One thing must come after another; it is told when its time is over.',
    text: `title: A key was disabled
id: own-key-disabled
name: own-key-disabled
description: What happens first.
level: informational
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.disable
    outcome: success
  condition: selection
tests:
  - name: disabled
    event: ${event('10:00:00', 'kms.secrets.disable', 'alice')}
    expect: match
---
title: A key was rotated
id: own-key-rotated
name: own-key-rotated
description: What must follow.
level: informational
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.rotate
    outcome: success
  condition: selection
tests:
  - name: rotated
    event: ${event('10:00:00', 'kms.secrets.rotate', 'alice')}
    expect: match
---
title: A disabled key was not replaced
id: own-key-not-replaced
description: >-
  A key was disabled, and within an hour nobody rotated it.
level: medium
correlation:
  type: absence
  rules: [own-key-disabled, own-key-rotated]
  group-by: [target.id]
  timespan: 1h
whodid:
  next_steps:
    - Ask who disabled the key what is to take its place.
tests:
  - name: nothing follows within the hour
    events:
      - ${event('10:00:00', 'kms.secrets.disable', 'alice')}
      - {after: 3h, event: ${event('10:00:00', 'kms.secrets.rotate', 'alice')}}
    expect: match
  - name: it follows
    events:
      - ${event('10:00:00', 'kms.secrets.disable', 'alice')}
      - {after: 20m, event: ${event('10:00:00', 'kms.secrets.rotate', 'alice')}}
      - {after: 3h, event: ${event('10:00:00', 'kms.secrets.rotate', 'alice')}}
    expect: no_match
`,
  },
]
