// People, rights, sessions, keys and settings of the mock: enough behaviour to walk through every page.
import { createHmac } from 'node:crypto'
import { auditEvent } from './audit.mjs'

const DAY = 864e5
export const PERMISSIONS = {
  'events.write': 'Send events.', 'space-events.read': 'Search, count and follow the events of spaces.', 'account-events.read': 'Search, count and follow the events of the account itself.', 'own-activity.read': 'See what was done in one’s own name.',
  'events.export': 'Take the events that one may see away as a file.', 'events.erase': 'Remove events for good.', 'rejects.read': 'Look at what could not be read.', 'audit.read': 'Read the audit log: what was done in and on whodid.', 'keys.read': 'List keys.', 'keys.manage': 'Make, change, rotate and revoke keys.',
  'users.read': 'List users, groups, roles, bindings and invitations.', 'users.manage': 'Invite, change, disable and remove users; manage groups.', 'roles.manage': 'Make roles and bind them to users and groups.', 'sessions.manage': 'List and end other people’s sessions.',
  'settings.read': 'Look at the settings of the account.', 'settings.manage': 'Change the settings of the account.',
  'rules.read': 'Look at rules, packages, exceptions and channels.', 'rules.manage': 'Make, change, switch and tune rules, packages and exceptions.', 'alerts.read': 'Look at alerts and findings of the whole account, at channels and at what they were told.', 'alerts.manage': 'Take alerts on, note, resolve and silence them.',
  'channels.manage': 'Make and change channels, and send tests to them.', 'findings.write': 'Write findings, notes and cards of one’s own.',
}
const ALL = Object.keys(PERMISSIONS)
const builtIn = [
  ['administrator', 'Everything in the account.', ALL],
  ['analyst', 'Sees and exports all events and what could not be read; handles rules, exceptions and alerts.', ['own-activity.read', 'space-events.read', 'account-events.read', 'events.export', 'rejects.read', 'keys.read', 'settings.read', 'rules.read', 'rules.manage', 'alerts.read', 'alerts.manage', 'findings.write']],
  ['auditor', 'Sees everything, the audit log and all settings included, and changes nothing.', ALL.filter((name) => name.endsWith('.read') || name === 'events.export')],
  ['manager', 'Sees, sends and exports events; handles keys and alerts.', ['own-activity.read', 'events.write', 'space-events.read', 'account-events.read', 'events.export', 'rejects.read', 'keys.read', 'keys.manage', 'settings.read', 'rules.read', 'alerts.read', 'alerts.manage', 'findings.write']],
  ['writer', 'Sees the events of spaces, sends and exports.', ['own-activity.read', 'events.write', 'space-events.read', 'events.export']],
  ['reader', 'Sees the events of spaces.', ['own-activity.read', 'space-events.read']],
  ['member', 'Sees what was done in their own name.', ['own-activity.read']],
]
const agents = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  phone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  chrome: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36',
}
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const weak = ['password', 'correct horse', 'whodid', '123456']

export function totp(secret, time = Date.now()) {
  let bits = ''
  for (const sign of secret.replace(/[\s=]/g, '')) bits += base32.indexOf(sign).toString(2).padStart(5, '0')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(time / 30_000)))
  const hash = createHmac('sha1', key).update(counter).digest()
  const at = hash.at(-1) & 15
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, '0')
}

export class Refusal extends Error {
  constructor(status, code, detail, headers = {}) {
    super(detail)
    Object.assign(this, { status, code, headers })
  }
}

export function makeIdentity(now, random) {
  const ago = (ms) => new Date(now - ms).toISOString()
  let made = 100
  const id = (prefix) => `${prefix}_${(made += 1)}`
  const text = (length, signs = 'abcdefghijklmnopqrstuvwxyz0123456789') => Array.from({ length }, () => signs[Math.floor(random() * signs.length)]).join('')
  const user = (number, name, display_name, more = {}) => ({
    id: `usr_${number}`, name, display_name, password: 'a long enough password', totp: null, codes: [], also_known_as: [], created_at: ago(90 * DAY), disabled_at: null, locked_until: null, reset_requested_at: null, last_signed_in_at: ago(number * 5.3e6), last_read_at: ago(number * 5e6), is_home: true, is_operator: false, source: 'local', failures: 0, fresh_until: now + 6e5, ...more,
  })
  const users = [
    user('01', 'administrator', 'Ada Admin', { is_operator: true, also_known_as: ['bob'] }),
    user('02', 'bob', 'Bob Baker', { totp: 'JBSWY3DPEHPK3PXP', codes: ['alpha-1'], also_known_as: ['IBMid-5500012345', 'arn:aws:iam::123456789012:user/bob'] }),
    user('03', 'alice.meyer@example.com', 'Alice Meyer', { totp: 'JBSWY3DPEHPK3PXP', password: null, source: 'oidc' }),
    user('04', 'carol', 'Carol Jones', { reset_requested_at: ago(2.2e6), last_signed_in_at: ago(12 * DAY) }),
    user('05', 'dmitri@example.org', 'Dmitri Orlov', { locked_until: new Date(now + 9e5).toISOString(), is_home: false }),
    user('06', 'erin.okafor@example.com', 'Erin Okafor', { disabled_at: ago(20 * DAY), last_signed_in_at: ago(31 * DAY), last_read_at: ago(31 * DAY) }),
    user('07', 'frank', 'Frank Weber', { last_signed_in_at: null, last_read_at: null }),
    user('08', 'grace', 'Grace Lindqvist', { totp: 'JBSWY3DPEHPK3PXP' }),
    user('09', 'mallory', 'Mallory Quinn'),
    user('10', 'ines', 'Ines Duarte', { password: null, last_signed_in_at: ago(9e4) }),
  ]
  const roles = [...builtIn.map(([name, description, permissions]) => ({ name, description, permissions, is_built_in: true })), { name: 'kms-auditor', description: 'Sees what happens to secrets and keys, and the audit log.', permissions: ['own-activity.read', 'account-events.read', 'audit.read'], is_built_in: false }]
  const groups = [{ id: 'grp_01', name: 'platform team', description: 'Runs the clusters and their keys.', members: ['usr_02', 'usr_03', 'usr_08'] }, { id: 'grp_02', name: 'auditors', description: 'The yearly audit.', members: ['usr_03'] }, { id: 'grp_03', name: 'contractors', description: '', members: [] }]
  const bindings = [
    ['usr_01', null, 'administrator'], ['usr_08', null, 'administrator'], [null, 'grp_01', 'manager'], [null, 'grp_02', 'auditor'], ['usr_04', null, 'reader', { spaces: ['prod', 'dev'], query: 'service:==kubernetes -action:==create' }],
    ['usr_05', null, 'analyst', { query: 'region:==eu-gb' }], ['usr_06', null, 'writer', { spaces: ['prod'] }], ['usr_07', null, 'member'], ['usr_09', null, 'reader'], ['usr_10', null, 'analyst'], ['usr_02', null, 'kms-auditor'],
  ].map(([who, group, role, more = {}], at) => ({ id: `bnd_${String(at + 1).padStart(2, '0')}`, user: who, group, role, created_at: ago((40 - at * 3) * DAY), origin: at === 5 ? 'oidc' : 'manual', ...more }))
  const invitations = [
    { id: 'inv_01', token: 'inv-token', name: 'henry@example.com', display_name: 'Henry Park', created_by: 'administrator', created_at: ago(1.1 * DAY), expires_at: new Date(now + 5.9 * DAY).toISOString(), groups: ['contractors'], roles: [{ role: 'reader', spaces: ['dev'] }] },
    { id: 'inv_02', token: 'inv-known', name: 'grace', display_name: 'Grace Lindqvist', created_by: 'administrator', created_at: ago(3 * DAY), expires_at: new Date(now + 4 * DAY).toISOString(), groups: [], roles: [] },
  ]
  const settings = { title: 'Example Corp', mfa_required: false, password_sign_in: true, password_length_min: 12, session_idle_minutes: 60, session_absolute_minutes: 720, keys_max: 20, alert_escalation_minutes: 0, alert_reopen_hours: 24, audit_reads: true, own_activity_report: true }
  const accounts = [{ name: 'default', title: settings.title, storage: null, created_at: ago(90 * DAY) }, { name: 'research', title: 'Research', storage: 's3://example-research/whodid', created_at: ago(31 * DAY) }]
  const session = (number, owner, more = {}) => ({ id: `ses_${number}`, cookie: `mock-${number}`, user: owner, address: '198.51.100.23', agent: agents.firefox, method: 'password', mfa: false, created_at: ago(7.1e6), last_seen_at: ago(3e4), expires_at: new Date(now + 3e7).toISOString(), ...more })
  const sessions = [
    session('01', 'usr_01'), session('02', 'usr_01', { agent: agents.phone, address: '203.0.113.44', method: 'oidc', mfa: true, last_seen_at: ago(5.4e6) }), session('03', 'usr_01', { agent: agents.chrome, address: '192.0.2.180', method: 'link', last_seen_at: ago(2.3e7), created_at: ago(3e7) }),
    session('04', 'usr_02', { mfa: true, last_seen_at: ago(9e5) }), session('05', 'usr_03', { method: 'oidc', agent: agents.chrome, address: '198.51.100.71', mfa: true, last_seen_at: ago(12e5) }), session('06', 'usr_07', { last_seen_at: ago(4e5) }), session('08', 'usr_10', { method: 'link', address: '192.0.2.61', created_at: ago(9e4) }), session('07', 'usr_04', { agent: agents.phone, address: '203.0.113.9', last_seen_at: ago(8e5) }),
  ]
  const key = (number, kind, name, masked, more = {}) => ({ id: `key_${number}`, kind, name, masked, created_at: ago(20 * DAY), created_by: 'administrator', expires_at: null, last_used_at: null, last_used_from: null, revoked_at: null, successor_of: null, scope: {}, ...more })
  const keys = [
    key('01', 'ingestion', 'kubernetes audit webhook', 'wik_9f3a…c21d', { last_used_at: ago(4e4), last_used_from: '10.240.0.7', scope: { sources: ['kubernetes'], spaces: ['prod', 'dev'] } }),
    key('02', 'service', 'weekly export', 'wsk_77b0…04ee', { created_at: ago(12 * DAY), expires_at: new Date(now + 6 * DAY).toISOString(), last_used_at: ago(5 * DAY), last_used_from: '192.0.2.11' }),
    key('04', 'ingestion', 'cloudtrail forwarder', 'wik_33d1…77aa', { created_at: ago(3 * DAY), created_by: 'alice.meyer@example.com', successor_of: 'key_03', scope: { sources: ['cloudtrail'], streams: ['activity'] }, last_used_at: ago(6e4), last_used_from: '192.0.2.10', expires_at: new Date(now + 87 * DAY).toISOString() }),
    key('03', 'ingestion', 'old collector', 'wik_1c55…9a07', { created_at: ago(90 * DAY), created_by: null, last_used_at: ago(31 * DAY), revoked_at: ago(30 * DAY) }),
  ]
  const tokens = [key('11', 'personal', 'nightly report', 'wpt_5e21…b0c4', { user: 'administrator', created_by: 'administrator', permissions: ['space-events.read', 'events.export'], last_used_at: ago(3.3e7), last_used_from: '192.0.2.11', expires_at: new Date(now + 41 * DAY).toISOString() })]
  const links = new Map([['first', { kind: 'sign_in', user: 'usr_01', fresh: true }], ['wol_used', { kind: 'sign_in', used: true }], ['reset-token', { kind: 'password_reset', user: 'usr_04', fresh: true }]])
  const challenges = new Map([['challenge-token', { user: users[7], method: 'oidc' }]])
  const retention = [{ space: null, days: 365 }, { space: 'dev', days: 30 }]
  const dayBefore = (days) => new Date(now - days * DAY).toISOString().slice(0, 10)
  const download = (id, made, more) => ({ id, owner: 'usr_01', space: null, create_time: ago(made), access_time: ago(made), from: dayBefore(14), to: dayBefore(1), hour: null, account_level: false, downloaded_at: null, ...more })
  const downloads = [download('q5ssp3w1hy2d', 4e6, { space: 'prod', hour: 14 }), download('13ze772t5ngr', 2.1e8, { from: dayBefore(33), to: dayBefore(3), account_level: true, downloaded_at: ago(2.09e8) })]
  const audit = []
  const tell = (told) => { const event = auditEvent(audit.length, told); audit.push(event); return event }

  // ---- what happened before
  const ada = users[0]
  const past = [
    [31 * DAY, { action: 'account.create', by: ada, target: { id: 'research', name: 'research' }, severity: 'warning', after: { name: 'research', title: 'Research', storage: 's3://example-research/whodid' } }],
    [30 * DAY, { action: 'ingestion-key.delete', by: ada, target: { id: 'key_03', name: 'old collector' }, severity: 'critical', before: { name: 'old collector', kind: 'ingestion' } }],
    [24 * DAY, { action: 'account.update', by: ada, target: { id: 'default', name: 'default' }, severity: 'warning', before: { password_length_min: 8, audit_reads: false }, after: { password_length_min: 12, audit_reads: true } }],
    [20 * DAY, { action: 'user.disable', by: ada, target: { id: 'usr_06', name: 'erin.okafor@example.com' }, severity: 'warning', before: { disabled: false }, after: { disabled: true } }],
    [20 * DAY - 5e5, { action: 'ingestion-key.create', by: ada, target: { id: 'key_01', name: 'kubernetes audit webhook' }, severity: 'critical', after: { name: 'kubernetes audit webhook', scope: { sources: ['kubernetes'] } } }],
    [16 * DAY, { action: 'ingestion-key.update', by: ada, target: { id: 'key_01', name: 'kubernetes audit webhook' }, severity: 'warning', before: { spaces: ['prod'] }, after: { spaces: ['prod', 'dev'] } }],
    [9 * DAY, { action: 'role.create', by: ada, target: { id: 'kms-auditor', name: 'kms-auditor' }, severity: 'warning', after: { description: 'Sees what happens to secrets and keys.', permissions: ['own-activity.read', 'account-events.read'] } }],
    [8 * DAY, { action: 'role.update', by: ada, target: { id: 'kms-auditor', name: 'kms-auditor' }, severity: 'critical', before: { description: 'Sees what happens to secrets and keys.', permissions: ['own-activity.read', 'account-events.read'] }, after: { description: 'Sees what happens to secrets and keys, and the audit log.', permissions: ['own-activity.read', 'account-events.read', 'audit.read'] } }],
    [6 * DAY, { action: 'group.update', by: users[2], target: { id: 'grp_01', name: 'platform team' }, severity: 'warning', before: { members: ['bob', 'mallory'] }, after: { members: ['bob', 'alice.meyer@example.com', 'grace'] }, address: '198.51.100.71' }],
    [3 * DAY, { action: 'ingestion-key.rotate', by: users[2], target: { id: 'key_04', name: 'cloudtrail forwarder' }, severity: 'warning', before: { expires: 'never' }, after: { expires: 'in 90 days' }, address: '198.51.100.71' }],
    [3 * DAY - 2e5, { action: 'invitation.create', by: ada, target: { id: 'inv_02', name: 'grace' }, severity: 'warning', after: { name: 'grace', roles: ['member'] } }],
    [1.1 * DAY, { action: 'invitation.create', by: ada, target: { id: 'inv_01', name: 'henry@example.com' }, severity: 'warning', after: { name: 'henry@example.com', roles: ['reader in dev'], groups: ['contractors'] } }],
    [2.1 * DAY, { action: 'retention.update', by: ada, target: { id: 'default' }, severity: 'critical', before: { days: -1 }, after: { days: 365 }, request: { days: 365, space: null } }],
    [2 * DAY, { action: 'event.delete', by: ada, target: { id: 'activity' }, severity: 'critical', request: { from: dayBefore(64), to: dayBefore(34), space: 'dev' }, response: { rows: 16_678, bytes: 1_732_608 } }],
    [5.9e7, { action: 'role-binding.create', by: ada, target: { id: 'bnd_05', name: 'carol' }, severity: 'critical', request: { userId: 'usr_04' }, after: { role: 'reader', spaces: ['prod', 'dev'], query: 'service:==kubernetes -action:==create' } }],
    [4.2e7, { action: 'event.export', by: users[2], target: { id: 'default', name: 'activity' }, severity: 'warning', request: { q: 'service:==kms', format: 'csv' }, address: '198.51.100.71' }],
    [3.3e7, { action: 'service-key.create', by: users[3], outcome: 'failure', target: { id: 'default' }, why: '`keys.manage` is not granted', address: '203.0.113.9', agent: agents.phone }],
    [2.9e7, { action: 'user.authenticate', by: 'unknown', outcome: 'failure', code: '401', target: { id: 'usr_05', name: 'dmitri@example.org' }, why: 'the name or the password is wrong', address: '203.0.113.231' }],
    [2.88e7, { action: 'user.authenticate', by: 'unknown', outcome: 'failure', code: '401', target: { id: 'usr_05', name: 'dmitri@example.org' }, why: 'the name or the password is wrong', address: '203.0.113.231' }],
    [2.87e7, { action: 'user.lock', by: 'whodid', target: { id: 'usr_05', name: 'dmitri@example.org' }, severity: 'critical', address: '203.0.113.231' }],
    [7.1e6, { action: 'user.authenticate', by: ada, target: { id: 'usr_01', name: 'administrator' } }], [7.1e6 - 200, { action: 'session.create', by: ada, target: { id: 'ses_01', name: 'Firefox' } }],
    [5e6, { action: 'account.update', by: ada, target: { id: 'default', name: 'default' }, severity: 'warning', before: { title: 'Default', keys_max: 10 }, after: { title: 'Example Corp', keys_max: 20 } }],
    [2.2e6, { action: 'password-reset.request', by: 'unknown', target: { id: 'usr_04', name: 'carol' }, severity: 'warning', address: '203.0.113.9', agent: agents.phone }],
    [1.5e6, { action: 'event.search', by: users[1], target: { id: 'default', name: 'activity' }, request: { q: 'service:==kms outcome:==failure' } }],
    [6e5, { action: 'audit-log.read', by: ada, target: { id: 'default', name: 'audit' } }],
  ]
  for (const [before, told] of past) tell({ ...told, at: now - before })

  // ---- reading
  const userOf = (key) => users.find((candidate) => candidate.id === key || candidate.name === key)
  const held = (owner) => bindings.filter((binding) => binding.user === owner.id || groups.some((group) => group.id === binding.group && group.members.includes(owner.id)))
  const roleNamed = (name) => roles.find((role) => role.name === name)
  const permissionsOf = (owner) => ALL.filter((permission) => held(owner).some((binding) => roleNamed(binding.role)?.permissions.includes(permission)))
  const heldRole = (binding) => ({ binding: binding.id, role: binding.role, group: binding.group, ...(binding.spaces ? { spaces: binding.spaces } : {}), ...(binding.query ? { query: binding.query } : {}) })
  const entry = (owner) => ({
    id: owner.id, name: owner.name, display_name: owner.display_name, also_known_as: owner.also_known_as, created_at: owner.created_at, disabled_at: owner.disabled_at, locked_until: owner.locked_until, reset_requested_at: owner.reset_requested_at, last_signed_in_at: owner.last_signed_in_at, last_read_at: owner.last_read_at,
    has_mfa: owner.totp !== null, has_password: owner.password !== null, is_home: owner.is_home, is_operator: owner.is_operator, source: owner.source, groups: groups.filter((group) => group.members.includes(owner.id)).map((group) => group.name), roles: held(owner).map(heldRole), sessions: sessions.filter((candidate) => candidate.user === owner.id).length,
  })
  const summary = (candidate, current) => ({ id: candidate.id, user: userOf(candidate.user)?.name ?? '', address: candidate.address, agent: candidate.agent, method: candidate.method, mfa: candidate.mfa, created_at: candidate.created_at, last_seen_at: candidate.last_seen_at, expires_at: candidate.expires_at, is_current: candidate.id === current?.id })
  const expiry = (text) => (text === undefined || text === 'never' ? null : /^\d+[hd]$/.test(text) ? new Date(Date.now() + Number.parseInt(text, 10) * (text.endsWith('h') ? 36e5 : DAY)).toISOString() : text)
  const checkPassword = (password) => {
    if ([...password].length < settings.password_length_min) throw new Refusal(400, 'weak_password', `The password has ${[...password].length} characters; at least ${settings.password_length_min} are needed.`)
    if (weak.some((word) => password.toLowerCase().startsWith(word))) throw new Refusal(400, 'weak_password', 'This password is among the first that are guessed. Choose words that do not belong together.')
  }
  return { id, text, retention, downloads, users, roles, groups, bindings, invitations, settings, accounts, sessions, keys, tokens, links, challenges, audit, agents, tell, userOf, held, roleNamed, permissionsOf, heldRole, entry, summary, expiry, checkPassword, session }
}
