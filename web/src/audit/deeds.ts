/** Actions of the audit log in words: `whodid.service-key.rotate` as “rotated service key”. */

const VERBS: Record<string, [infinitive: string, past: string]> = {
  accept: ['accept', 'accepted'], authenticate: ['sign in as', 'signed in as'], commit: ['complete', 'completed'], create: ['make', 'made'], delete: ['remove', 'removed'], disable: ['disable', 'disabled'], enable: ['enable', 'enabled'],
  expire: ['end', 'ended'], export: ['export', 'exported'], lock: ['lock', 'locked'], monitor: ['follow', 'followed'], notify: ['report', 'reported'], query: ['query', 'queried'], read: ['read', 'read'], request: ['ask for', 'asked for'],
  restore: ['restore', 'restored'], rotate: ['rotate', 'rotated'], search: ['search', 'searched'], send: ['send', 'sent'], unlock: ['unlock', 'unlocked'], update: ['change', 'changed'],
}

const WHOLE: Record<string, [string, string]> = {
  'user.authenticate': ['sign in', 'signed in'], 'mfa.authenticate': ['give the second factor', 'gave the second factor'], 'mfa.enable': ['set up a second factor', 'set up a second factor'], 'mfa.disable': ['remove the second factor', 'removed the second factor'],
  'mfa.update': ['make new recovery codes', 'made new recovery codes'], 'session.create': ['begin a session', 'began a session'], 'session.delete': ['end a session', 'ended a session'], 'session.expire': ['end an idle session', 'ended an idle session'],
  'password.update': ['change the password', 'changed the password'], 'password-reset.commit': ['set a new password', 'set a new password'], 'own-activity.notify': ['report “This wasn’t me”', 'reported “This wasn’t me”'], 'own-activity.read': ['look at own activity', 'looked at own activity'],
  'audit-log.read': ['open the audit log', 'opened the audit log'], 'account.update': ['change the settings', 'changed the settings'], 'event.search': ['search events', 'searched events'], 'event.read': ['read an event', 'read an event'], 'event.export': ['export events', 'exported events'], 'event.delete': ['remove events', 'removed events'],
  'retention.update': ['set how long events are kept', 'set how long events are kept'], 'download-session.create': ['make a download', 'made a download'], 'download-session.delete': ['delete a download', 'deleted a download'],
  'invitation.create': ['invite', 'invited'], 'role-binding.create': ['give a role', 'gave a role'], 'role-binding.delete': ['take a role', 'took a role'], 'ingestion-key.delete': ['revoke ingestion key', 'revoked ingestion key'], 'service-key.delete': ['revoke service key', 'revoked service key'],
  'personal-token.delete': ['revoke personal token', 'revoked personal token'], 'channel.notify': ['tell channel', 'told channel'], 'rule.stop': ['leave out unusable rule', 'left out unusable rule'],
}

export function deedText(action: string, hasFailed: boolean): string {
  const match = /^whodid\.([a-z-]+)\.([a-z-]+)$/.exec(action)
  if (!match) return action
  const [, object = '', verb = ''] = match
  const forms = VERBS[verb] ?? [verb, verb]
  const [infinitive, past] = WHOLE[`${object}.${verb}`] ?? [`${forms[0]} ${object.replaceAll('-', ' ')}`, `${forms[1]} ${object.replaceAll('-', ' ')}`]
  return hasFailed ? `failed to ${infinitive}` : past
}
