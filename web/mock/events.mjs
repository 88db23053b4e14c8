// Believable events from a seed: people and service ids with habits, and an incident to find.

export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const people = [
  ['bob', '198.51.100.23', 'eu-de'], ['alice.meyer@example.com', '198.51.100.71', 'eu-de'], ['carol', '203.0.113.9', 'us-south'],
  ['dmitri@example.org', '192.0.2.44', 'eu-gb'], ['erin.okafor@example.com', '203.0.113.87', 'us-south'], ['frank', '192.0.2.180', 'eu-gb'],
]
const services = [['ci-bot', '192.0.2.10', 'eu-de'], ['backup-agent', '192.0.2.11', 'eu-de'], ['billing-sync', '203.0.113.200', 'us-south'], ['kubelet-7', '10.240.0.7', 'us-south']]
const deeds = [
  // service, action, cadf, target type, name prefix, access, source, weight
  ['kms', 'kms.secrets.read', 'read', 'kms/secrets', 'secret k', 'read', 'ibm-at', 22],
  ['kms', 'kms.secrets.list', 'read/list', 'kms/secrets', 'key ring r', 'read', 'ibm-at', 9],
  ['kms', 'kms.secrets.wrap', 'update', 'kms/secrets', 'secret k', 'write', 'ibm-at', 6],
  ['kms', 'kms.secrets.create', 'create', 'kms/secrets', 'secret k', 'write', 'ibm-at', 3],
  ['kms', 'kms.secrets.delete', 'delete', 'kms/secrets', 'secret k', 'write', 'ibm-at', 1],
  ['iam', 'iam-identity.user-refreshtoken.login', 'authenticate/login', 'iam-identity/account/user', 'user u', 'write', 'ibm-at', 12],
  ['iam', 'iam-groups.member.add', 'update', 'iam-groups/member', 'group g', 'write', 'cadf', 2],
  ['iam', 'iam-am.policy.update', 'update', 'iam-am/policy', 'policy p', 'write', 'cadf', 2],
  ['s3.amazonaws.com', 'GetObject', 'read', 'AWS::S3::Object', 'reports/2026-', 'read', 'cloudtrail', 14],
  ['s3.amazonaws.com', 'PutBucketPolicy', 'update', 'AWS::S3::Bucket', 'example-bucket-', 'write', 'cloudtrail', 1],
  ['sts.amazonaws.com', 'AssumeRole', 'authenticate', 'AWS::IAM::Role', 'role-', 'write', 'cloudtrail', 5],
  ['kubernetes', 'get', 'read', 'core/v1/secrets', 'prod/secret-', 'read', 'kubernetes', 10],
  ['kubernetes', 'create', 'create', 'apps/v1/deployments', 'prod/web-', 'write', 'kubernetes', 3],
  ['okta', 'user.session.start', 'authenticate/login', 'User', 'app ', 'write', 'okta', 6],
  ['storage', 'cloud-object-storage.object.delete', 'delete', 'cloud-object-storage/bucket/object', 'backups/day-', 'write', 'cadf', 2],
]
const total = deeds.reduce((sum, deed) => sum + deed[7], 0)
const verbs = { read: 'read', 'read/list': 'listed', create: 'created', update: 'changed', delete: 'deleted', authenticate: 'took on', 'authenticate/login': 'signed in to' }
const tried = { read: 'read', 'read/list': 'list', create: 'create', update: 'change', delete: 'delete', authenticate: 'take on', 'authenticate/login': 'sign in to' }

function hex(next, length) {
  let text = ''
  while (text.length < length) text += Math.floor(next() * 16).toString(16)
  return text
}

export function makeEvent(next, offset, time, given = {}) {
  let pick = next() * total
  let deed = given.deed ?? deeds.find((candidate) => (pick -= candidate[7]) < 0) ?? deeds[0]
  if (given.action) deed = deeds.find((candidate) => candidate[1] === given.action)
  const [service, action, cadf, targetType, namePrefix, access, source] = deed
  const isService = given.who ? false : next() < 0.45
  const list = isService ? services : people
  const [who, address, region] = given.who ? people.find((person) => person[0] === given.who) : list[Math.floor(next() ** 1.6 * list.length)]
  const target = `${namePrefix}${given.number ?? Math.floor(next() ** 2 * 60) + 1}`
  const dice = next()
  const outcome = given.outcome ?? (dice < 0.03 ? 'failure' : dice < 0.045 ? 'denied' : dice < 0.06 ? 'pending' : 'success')
  const denied = outcome === 'denied'
  const code = denied ? '403' : outcome === 'failure' ? (next() < 0.6 ? '404' : '500') : outcome === 'pending' ? '202' : '200'
  const reasonType = { 200: 'OK', 202: 'Accepted', 403: 'Forbidden', 404: 'Not Found', 500: 'Internal Server Error' }[code]
  const cadfOutcome = denied ? 'failure' : outcome
  const id = given.id ?? `${hex(next, 8)}-${hex(next, 4)}-5${hex(next, 3)}-a${hex(next, 3)}-${hex(next, 12)}`
  const correlation = given.correlation ?? (next() < 0.4 ? `req-${hex(next, 24)}` : null)
  const severity = cadf === 'delete' ? (denied ? 'critical' : 'warning') : denied ? 'warning' : 'normal'
  const initiator = {
    id: isService ? `iam-ServiceId-${hex(next, 8)}` : `IBMid-55${Math.floor(next() * 9e7 + 1e7)}`,
    name: who,
    typeURI: isService ? 'service/security/account/serviceid' : 'service/security/account/user',
    credential: { type: isService ? 'apikey' : 'token', id: `ApiKey-${hex(next, 8)}…${hex(next, 4)}` },
    host: { address: given.address ?? address, agent: isService ? 'example-sdk/4.2 (linux; x86_64)' : 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
  }
  const eventTime = new Date(time).toISOString()
  const body = {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event', id, eventType: 'activity', eventTime, action, outcome: cadfOutcome, severity,
    initiator, target: { id: `crn:v1:example:public:${service}:${region}:a/4f2c${hex(next, 12)}:${hex(next, 8)}::`, name: target, typeURI: targetType },
    observer: { name: service }, reason: { reasonCode: Number(code), reasonType },
  }
  if (denied) body.reason.reasonForFailure = `${who} has no role that allows ${action} on this resource`
  if (correlation) body.correlationId = correlation
  if (access === 'write') body.requestData = JSON.stringify({ requestURI: `/api/v2/${targetType.split('/').pop()}/${id.slice(0, 8)}`, tags: ['prod', region], dryRun: false, attempt: 1 + Math.floor(next() * 3) })
  const summary = outcome === 'success'
    ? `${who} ${verbs[cadf]} ${target} in ${service}`
    : outcome === 'pending'
      ? `${who} asked to ${tried[cadf]} ${target} in ${service} and the answer is pending`
      : `${who} tried to ${tried[cadf]} ${target} in ${service} and ${denied ? 'was refused' : 'it failed'} (${code})`
  return {
    ...body,
    reason: { ...body.reason, reasonCode: code },
    cadf: { action: cadf },
    raw: JSON.stringify(body),
    record: {
      id: `activity:${offset}`, offset, recorded_at: new Date(time + 180 + Math.floor(next() * 900)).toISOString(), account: 'default', space: service === 'kubernetes' ? target.split('/')[0] : service === 'storage' ? 'backups' : null, region, stream: 'activity',
      source, access, result: outcome, service, app: null, time_source: 'event', summary,
    },
  }
}

/** Busy in working hours, quiet at night and at the week-end. */
function weight(time) {
  const date = new Date(time)
  const hour = date.getUTCHours()
  const day = date.getUTCDay()
  return (hour >= 7 && hour <= 18 ? 1 : 0.18) * (day === 0 || day === 6 ? 0.25 : 1)
}

export function makeHistory(count, now, days = 30) {
  const next = random(20261120)
  const times = []
  while (times.length < count) {
    // Denser towards now, so that the last day has something to look at.
    const time = now - Math.floor(next() ** 1.7 * days * 86_400_000) - 20_000
    if (next() < weight(time)) times.push({ time })
  }
  // The incident: refused deletes in a burst, then a success from a new address.
  for (let index = 0; index < 14; index += 1) times.push({ time: now - 5_400_000 + index * 41_000, given: { who: 'bob', action: 'kms.secrets.delete', outcome: 'denied', number: 17, address: '198.51.100.231' } })
  times.push({ time: now - 4_700_000, given: { who: 'bob', action: 'kms.secrets.delete', outcome: 'success', number: 17, address: '198.51.100.231' } })
  times.push({ time: now - 4_690_000, given: { who: 'carol', action: 'kms.secrets.create', outcome: 'pending', id: 'pair-0001', correlation: 'req-pair-0001', number: 18 } })
  times.push({ time: now - 4_689_400, given: { who: 'carol', action: 'kms.secrets.create', outcome: 'success', id: 'pair-0001', correlation: 'req-pair-0001', number: 18 } })
  times.sort((a, b) => a.time - b.time)
  return times.map(({ time, given }, offset) => makeEvent(next, offset, time, given))
}

export const rejectSamples = [
  ['not_json', 'expected an object, found `{"typeURI":` cut off at byte 11', '{"typeURI":', 'auto', 'utf-8'],
  ['not_json', 'expected a value at line 1, column 12: found `}`', '{"id":"x1",}', 'cadf', 'utf-8'],
  ['no_event_time', 'the event has no eventTime, and its envelope has none', '{"id":"e-77","action":"kms.secrets.read","outcome":"success","initiator":{"name":"bob"}}', 'ibm-at', 'utf-8'],
  ['bad_event_time', 'eventTime `yesterday` is not a time: expected RFC 3339, `+0000` or an epoch number', '{"id":"e-78","action":"read","eventTime":"yesterday","outcome":"success"}', 'cadf', 'utf-8'],
  ['not_utf8', 'byte 14 is no UTF-8', 'eyJpZCI6ImUtNzkiLCL/IjoxfQ==', 'json', 'base64'],
  ['too_large', 'the event has 1,310,720 bytes; at most 1,048,576 are kept as an event', `{"id":"e-80","blob":"${'A'.repeat(400)}…`, 'json', 'utf-8'],
]
