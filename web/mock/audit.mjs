// What the mock tells of itself: audit events with what changed, as whodid writes them.

const verbs = { create: 'made', update: 'changed', delete: 'removed', accept: 'accepted', authenticate: 'signed in as', disable: 'disabled', enable: 'enabled', lock: 'locked', unlock: 'unlocked', request: 'asked for', commit: 'completed', rotate: 'rotated', search: 'searched', read: 'looked at', export: 'exported', notify: 'reported', expire: 'ended' }
const tries = { create: 'make', update: 'change', delete: 'remove', authenticate: 'sign in as', export: 'export', read: 'look at', search: 'search' }
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** A JSON Patch whose `test` steps carry the old values. One level deep, arrays item by item at the end. */
export function patch(before = {}, after = {}) {
  const steps = []
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[name], after[name]]
    const path = `/${name}`
    if (JSON.stringify(old) === JSON.stringify(now)) continue
    if (old === undefined) steps.push({ op: 'add', path, value: now })
    else if (now === undefined) steps.push({ op: 'test', path, value: old }, { op: 'remove', path })
    else if (Array.isArray(old) && Array.isArray(now)) {
      old.forEach((item, at) => { if (!now.includes(item)) steps.push({ op: 'test', path: `${path}/${at}`, value: item }, { op: 'remove', path: `${path}/${at}` }) })
      now.forEach((item, at) => { if (!old.includes(item)) steps.push({ op: 'add', path: `${path}/${at}`, value: item }) })
    } else steps.push({ op: 'test', path, value: old }, { op: 'replace', path, value: now })
  }
  return steps
}

/** `told`: action without `whodid.`, by (user or name), target, before and after, outcome, why, at, address, agent. */
export function auditEvent(offset, told) {
  const [object, verb] = told.action.split('.')
  const at = new Date(told.at ?? Date.now()).toISOString()
  const failed = told.outcome === 'failure'
  const who = told.by?.name ?? told.by ?? 'unknown'
  const code = told.code ?? (failed ? '403' : '200')
  const target = { id: told.target?.id ?? 'default', typeURI: `whodid/${object}`, ...(told.target?.name ? { name: told.target.name } : {}) }
  const request = { ...told.request, ...(told.before || told.after ? { delta: patch(told.before, told.after) } : {}) }
  const body = {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event', id: `00000000-0000-4000-8000-${String(offset).padStart(12, '0')}`, eventType: 'activity', eventTime: at, action: `whodid.${told.action}`,
    outcome: failed ? 'failure' : 'success', severity: failed ? 'critical' : told.severity ?? 'normal', message: `whodid: ${verb} ${object.replaceAll('-', ' ')} ${target.name ?? target.id}${failed ? ' -failure' : ''}`,
    initiator: { id: told.by?.id ?? 'unknown', name: who, typeURI: 'service/security/account/user', credential: { type: 'session', id: told.session ?? 'ses_01' }, host: { address: told.address ?? '198.51.100.23', agent: told.agent ?? firefox } },
    target, observer: { id: 'mock', name: 'whodid' },
    reason: { reasonCode: code, reasonType: 'HTTP', ...(failed ? { reasonForFailure: told.why ?? 'not permitted' } : {}) },
    ...(Object.keys(request).length > 0 ? { requestData: request } : {}), ...(told.response ? { responseData: told.response } : {}),
  }
  const object2 = object.replaceAll('-', ' ')
  const summary = failed
    ? `${who} tried to ${tries[verb] ?? verb} ${object2} ${target.name ?? ''} and ${code === '403' ? 'was refused' : 'it failed'} (${code})`.replace(/\s+/g, ' ')
    : object === 'user' && verb === 'authenticate' ? `${who} signed in` : `${who} ${verbs[verb] ?? verb} ${object2}${target.name ? ` ${target.name}` : ''}`
  return {
    ...body, cadf: { action: { create: 'create', update: 'update', delete: 'delete', authenticate: 'authenticate' }[verb] ?? 'read' }, raw: JSON.stringify(body),
    record: { id: `audit:${offset}`, offset, recorded_at: at, account: 'default', space: null, region: null, stream: 'audit', source: 'cadf', access: ['search', 'read', 'export'].includes(verb) ? 'read' : 'write', result: failed ? (code === '403' ? 'denied' : 'failure') : 'success', service: 'whodid', app: null, time_source: 'stated', summary },
  }
}
