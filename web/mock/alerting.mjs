// The mock's routes about alerts, silences, channels, alerts on searches, and the numbers of Home. Alerts come of what the
// mock's rules found; what people did to the older ones is made up. Nothing is sent to anybody.
import { generateKeyPairSync } from 'node:crypto'
import { Refusal } from './identity.mjs'
import { parse } from './query.mjs'

const HOUR_MS = 36e5
const DAY_MS = 24 * HOUR_MS
const LEVELS = ['informational', 'low', 'medium', 'high', 'critical']
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'
const UNSILENCED = 'action:===whodid.finding.create NOT requestData.silencedBy:*'
/** Rules that tell that somebody makes whodid blind. */
const GUARDS = ['alerts-silenced', 'channel-not-told', 'events-erased', 'exclusion', 'reads-not-told', 'rule-unusable', 'rules-off', 'rules-weakened'].map((name) => `whodid-self-${name}`)
const gone = { status: 204 }

/** `state`: as `makeIdentity` makes it. `ruling`: as `makeRuling` makes it. */
export function makeAlerting(state, ruling, now) {
  const alerts = []
  const silences = []
  const searchAlerts = []
  const presets = []
  let joined = 0
  let key
  const iso = (time) => new Date(time).toISOString()
  const wrong = (detail, status = 400, code = 'bad_json') => { throw new Refusal(status, code, detail) }
  const find = (list, id, what) => list.find((one) => one.id === id) ?? wrong(`there is no such ${what} in this account`, 404, 'not_found')
  const drop = (list, one) => list.splice(list.indexOf(one), 1)
  const told = (actor, action, target, more) => state.tell({ action, by: actor.user, session: actor.session?.id, address: actor.address, agent: actor.agent, target, severity: 'warning', ...more })
  const label = (user) => `user:${user.id}`
  const nameOf = (text) => state.users.find((user) => label(user) === text)?.name ?? text
  const memberOf = (text) => state.users.find((user) => [user.id, label(user)].includes(text) || user.name.toLowerCase() === text.toLowerCase())
  const entry = (act, by, at, detail = '') => ({ act, by, at: iso(at), detail })
  const base = (name, receiver, more) => ({ id: state.id('chn'), name, description: '', is_enabled: true, severities: ['critical', 'high', 'medium'], sources: [], rate_limit: 60, time_zone: 'Europe/Berlin', receiver, revision: 1, created_at: iso(now - 9 * DAY_MS), created_by: 'administrator', ...more })
  const channels = [
    base('On call', { type: 'slack', url: 'https://hooks.slack.com/services/T000/B000/mock0123456789' }, { description: 'Whoever is awake' }),
    base('Security information and event management of the whole group, in the data centre', { type: 'webhook', url: 'https://siem.example.com/fail', method: 'post', headers: { Authorization: 'Bearer mock-0123456789' }, signing: { type: 'hmac', secret: 'mock-secret-0123456789' } }, { severities: ['critical'], created_by: 'alice.meyer@example.com' }),
  ]
  const deliveries = []
  // More than a page of the log.
  for (let ago = 120; ago > 0; ago -= 1) deliver(channels[0], { id: null, sentence: 'Many requests of mallory were refused' }, 'again', now - ago * HOUR_MS)

  // ---- alerts of findings

  function refresh() {
    const findings = ruling.findings()
    if (findings.length === 0) return []
    const isFirst = joined === 0
    for (const finding of findings.slice(joined)) join(finding, isFirst)
    joined = findings.length
    if (isFirst) remember()
    for (const alert of alerts.filter((one) => one.status === 'open' && one.escalated_at === null && Date.parse(one.opened_at) < Date.now() - HOUR_MS)) {
      alert.escalated_at = iso(Date.parse(alert.opened_at) + HOUR_MS)
      alert.history.push(entry('escalated', null, Date.parse(alert.escalated_at), alert.severity))
      alert.revision += 1
    }
    return alerts.toSorted((a, b) => b.last_at.localeCompare(a.last_at) || b.id.localeCompare(a.id))
  }
  function join(finding, isPast) {
    const { level, key: of, ruleId, ruleTitle, ruleVersion, findingType, evidence, evidenceTotal } = finding.requestData
    if (finding.requestData.silencedBy !== undefined || LEVELS.indexOf(level) < LEVELS.indexOf('medium')) return
    const at = Date.parse(finding.record.recorded_at)
    const latest = alerts.findLast((alert) => alert.rule_id === ruleId && alert.key === of)
    const ended = latest?.status === 'resolved' ? Date.parse(latest.history.at(-1).at) : undefined
    if (latest && (ended === undefined ? !isPast || at - Date.parse(latest.last_at) < DAY_MS : at - ended < DAY_MS)) {
      latest.findings += 1
      latest.matches += evidenceTotal
      latest.last_at = iso(at)
      latest.sentence = finding.message
      latest.rule_version = ruleVersion
      latest.evidence.push(...evidence)
      latest.records.push(finding.record.id)
      latest.revision += 1
      if (ended !== undefined) { latest.status = 'open'; latest.history.push(entry('reopened', null, at)); tell(latest, 'reopened', at) }
      return
    }
    const alert = { id: state.id('alr'), key: of, rule_id: ruleId, rule_title: ruleTitle, rule_version: ruleVersion, sentence: finding.message, finding_type: findingType, severity: level, status: 'open', group: Object.entries(finding.requestData.group).map(([key, value]) => ({ key, value })), findings: 1, matches: evidenceTotal, assignee: null, opened_at: iso(at), last_at: iso(at), silenced_until: null, escalated_at: null, revision: 1, evidence: [...evidence], records: [finding.record.id], history: [entry('opened', null, at)], notes: [] }
    alerts.push(alert)
    if (!isPast) tell(alert, 'opened', at)
  }
  /** What people did before the mock began. */
  function remember() {
    const [, bob, alice] = state.users
    for (const alert of alerts) {
      const last = Date.parse(alert.last_at)
      if (last < now - DAY_MS) {
        alert.status = 'resolved'
        alert.history.push(entry('acknowledged', label(bob), last + 12 * 6e4), entry('resolved', label(bob), last + 40 * 6e4, 'It was planned'))
        alert.revision += 2
      } else if (last < now - 6 * HOUR_MS) {
        Object.assign(alert, { status: 'acknowledged', assignee: label(alice) })
        alert.notes.push({ at: iso(last + 9e5), by: label(alice), text: 'Asked the team; waiting for their answer.' })
        alert.history.push(entry('acknowledged', label(alice), last + 6e5), entry('assigned', label(alice), last + 6e5, label(alice)), entry('noted', label(alice), last + 9e5))
        alert.revision += 3
      }
    }
  }
  const isSilenced = (alert) => (alert.silenced_until !== null && Date.parse(alert.silenced_until) > Date.now()) || silences.some((silence) => !isOver(silence) && Date.parse(silence.from) <= Date.now() && (silence.rule_ids.length === 0 || silence.rule_ids.includes(alert.rule_id)) && (silence.severities.length === 0 || silence.severities.includes(alert.severity)) && silence.group.every((pair) => alert.group.some((one) => one.key === pair.key && one.value === pair.value)))
  function tell(alert, moment, at) {
    if (isSilenced(alert)) return
    for (const channel of channels.filter((one) => one.is_enabled && one.severities.includes(alert.severity))) deliver(channel, alert, moment, at)
  }
  /** Reaches nobody: a receiver whose address has `fail` in it is ill, every other one is well. */
  function deliver(channel, alert, moment, at = Date.now()) {
    const isIll = JSON.stringify(channel.receiver).includes('fail')
    const isTest = moment === 'test'
    const delivery = { id: state.id('dlv'), channel: channel.id, alert: alert?.id ?? null, moment, summary: alert?.sentence ?? '', state: isIll ? (isTest ? 'failed' : 'waiting') : 'delivered', created_at: iso(at), due_at: isIll && !isTest ? iso(at + 6e4) : null, attempts: [{ at: iso(at + 200), outcome: isIll ? 'failed' : 'delivered', status: isIll ? 503 : 200, answer: isIll ? 'come back later' : 'the mock sends nothing', took_ms: 42 }] }
    deliveries.unshift(delivery)
    return delivery
  }
  const shown = (alert) => Object.fromEntries(['id', 'rule_id', 'rule_title', 'sentence', 'finding_type', 'severity', 'status', 'group', 'findings', 'matches', 'assignee', 'opened_at', 'last_at', 'silenced_until', 'escalated_at', 'revision'].map((name) => [name, alert[name]]).concat([['assignee_name', alert.assignee === null ? null : nameOf(alert.assignee)], ['is_guard', GUARDS.includes(alert.rule_id)]]))
  const detail = (alert) => ({ alert: shown(alert), evidence: alert.evidence.toReversed().slice(0, 100), finding_records: alert.records.toReversed(), rule_version: alert.rule_version ?? null, notes: alert.notes.map((note) => ({ ...note, by: nameOf(note.by) })), history: alert.history.map((one) => ({ ...one, by: one.by === null ? null : nameOf(one.by), detail: one.act === 'assigned' ? nameOf(one.detail) : one.detail })), deliveries: deliveries.filter((delivery) => delivery.alert === alert.id).map(({ channel, moment, state: stands, created_at }) => ({ channel: channels.find((one) => one.id === channel)?.name ?? channel, moment, state: stands, created_at })) })

  const ACTS = {
    acknowledge: (alert) => { if (alert.status !== 'open') wrong(`the alert is ${alert.status} already`, 409, 'conflict'); alert.status = 'acknowledged'; return ['acknowledged'] },
    assign: (alert, { to }, by) => {
      const given = to === undefined ? undefined : to === 'me' ? by : label(memberOf(to) ?? wrong(`\`to\`: no member of this account has the name or id ${JSON.stringify(to)}; write \`me\`, or a name or id as \`GET /api/v1/users\` lists them`))
      alert.assignee = given ?? null
      return ['assigned', given ?? '']
    },
    note: (alert, { text }, by) => { if ((text ?? '').trim() === '') wrong('a note is not empty'); alert.notes.push({ at: iso(Date.now()), by, text }); return ['noted'] },
    resolve: (alert, { reason }) => { if (GUARDS.includes(alert.rule_id) && (reason ?? '').trim() === '') wrong('`reason` is empty; the alert tells that whodid was made blind, so say why it is over, for who comes after you'); if (alert.status === 'resolved') wrong('the alert is resolved already', 409, 'conflict'); alert.status = 'resolved'; return ['resolved', reason ?? ''] },
    reopen: (alert) => { if (alert.status !== 'resolved') wrong('the alert is not resolved', 409, 'conflict'); alert.status = 'open'; return ['reopened'] },
    silence: (alert, { until, reason }) => { if (GUARDS.includes(alert.rule_id)) wrong('the alert tells that whodid was made blind, and is told whatever is silenced; acknowledge it, or resolve it with a reason', 409, 'conflict'); alert.silenced_until = momentOf(until); return ['silenced', `until ${alert.silenced_until}: ${reason}`] },
    unsilence: (alert) => { alert.silenced_until = null; return ['unsilenced'] },
  }
  const momentOf = (text) => { const at = Date.parse(state.expiry(text) ?? ''); if (Number.isNaN(at)) wrong('`until` is a time to come, or a time from now such as 8h'); if (at <= Date.now()) wrong('`until` lies in the past'); return iso(at) }
  const isOver = (silence) => Date.parse(silence.until) <= Date.now()

  // ---- channels, whose secrets are shown masked

  const mask = (text) => { const host = /^https?:\/\/[^/]+/.exec(text)?.[0]; return `${host ? `${host}/` : ''}…${text.length >= 16 ? text.slice(-2) : ''}` }
  /** A receiver with each of its secrets as `change` makes it. */
  function withSecrets(receiver, change) {
    switch (receiver.type) {
      case 'slack': case 'teams': return { ...receiver, url: change(receiver.url, 'url') }
      case 'pagerduty': return { ...receiver, url: receiver.url ?? PAGERDUTY_URL, routing_key: change(receiver.routing_key, 'routing_key') }
      case 'webhook': return { ...receiver, headers: Object.fromEntries(Object.entries(receiver.headers ?? {}).map(([name, value]) => [name, change(value, `headers.${name}`)])), ...(receiver.signing?.type === 'hmac' ? { signing: { type: 'hmac', secret: change(receiver.signing.secret, 'signing.secret') } } : {}) }
      default: return receiver
    }
  }
  function receiverOf(asked, before) {
    const known = new Map()
    if (before?.type === asked.type) withSecrets(before, (value, name) => { known.set(name, value); return value })
    const addressOf = (receiver) => (['webhook', 'pagerduty'].includes(receiver.type) ? new URL(receiver.url ?? PAGERDUTY_URL).href : '')
    return withSecrets(asked, (value, name) => {
      if (!value.includes('…')) return value
      if (!known.has(name) || mask(known.get(name)) !== value) return wrong(`receiver.${name} is a mask of no known secret; enter the secret itself`)
      if (addressOf(asked) !== addressOf(before)) return wrong(`receiver.${name} is masked, but the address is another one now; enter the secret itself`)
      return known.get(name)
    })
  }
  const shownDelivery = (delivery) => ({ ...delivery, channel: undefined })
  const shownChannel = (channel) => ({ ...channel, receiver: withSecrets(channel.receiver, mask), last_delivery: deliveries.filter((delivery) => delivery.channel === channel.id).map(shownDelivery)[0] ?? null })
  function channelOf(body, before) {
    if (channels.some((one) => one.name === body.name && one !== before)) wrong(`there is a channel “${body.name}” already`, 409, 'name_taken')
    return { name: body.name, description: body.description ?? '', is_enabled: body.is_enabled ?? true, severities: body.severities ?? ['medium', 'high', 'critical'], sources: body.sources ?? [], rate_limit: body.rate_limit ?? 60, time_zone: body.time_zone ?? 'UTC', receiver: receiverOf(body.receiver, before?.receiver) }
  }

  // ---- the numbers of Home

  /** When each of the last days began by the clock of a zone, the oldest first. */
  function dayStarts(count, zone) {
    const at = (time) => { const part = Object.fromEntries(new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(time).map(({ type, value }) => [type, Number(value)])); return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) }
    const today = Math.floor(at(Date.now()) / DAY_MS) * DAY_MS
    return Array.from({ length: count }, (_, back) => { const wanted = today - (count - 1 - back) * DAY_MS; return wanted - (at(wanted - (at(wanted) - wanted)) - (wanted - (at(wanted) - wanted))) })
  }
  function asked(search) {
    const zone = search.get('time_zone') ?? 'UTC'
    const count = Number(search.get('days') ?? 5)
    if (!(count >= 1 && count <= 31)) wrong('`days` is between 1 and 31', 400, 'bad_parameter')
    try { return dayStarts(count, zone) } catch (error) { if (!(error instanceof RangeError)) throw error; return wrong(`\`time_zone\`: ${JSON.stringify(zone)} is no IANA time zone; write it like Europe/Berlin`, 400, 'bad_parameter') }
  }
  const byDay = (starts, findings) => starts.map((start, at) => findings.filter((finding) => { const time = Date.parse(finding.eventTime); return time >= start && time < (starts[at + 1] ?? Infinity) }).length)

  const routes = [
    ['GET /alerts', 'alerts.read', ({ search, actor }) => {
      const statuses = (search.get('status') ?? '').split(',').filter(Boolean)
      const [severity, rule, whose] = [search.get('severity'), search.get('rule'), search.get('assignee')]
      const assignee = whose === 'me' ? label(actor.user) : whose
      const every = refresh()
      const found = every.filter((alert) => (statuses.length === 0 || statuses.includes(alert.status)) && (severity === null || LEVELS.indexOf(alert.severity) >= LEVELS.indexOf(severity)) && (rule === null || alert.rule_id === rule) && (assignee === null || alert.assignee === assignee))
      const [start, limit] = [Number(search.get('cursor') ?? 0), Math.min(Number(search.get('limit') ?? 100), 1000)]
      const counts = Object.fromEntries(['open', 'acknowledged', 'resolved'].map((status) => [status, every.filter((alert) => alert.status === status).length]))
      return { body: { alerts: found.slice(start, start + limit).map(shown), counts, next_cursor: start + limit < found.length ? String(start + limit) : null } }
    }],
    ['GET /alerts/{id}', 'alerts.read', ({ params }) => ({ body: detail(find(refresh(), params.id, 'alert')) })],
    ['POST /alerts/{id}/acts', 'alerts.manage', ({ params, body, actor }) => {
      const alert = find(refresh(), params.id, 'alert')
      if (body.revision !== undefined && body.revision !== alert.revision) wrong('the alert has changed since it was looked at; load it again, and decide then', 409, 'conflict')
      const before = { status: alert.status, assignee: alert.assignee }
      const [act, text] = (ACTS[body.act] ?? wrong('`act` is none'))(alert, body, label(actor.user))
      alert.history.push(entry(act, label(actor.user), Date.now(), text))
      alert.revision += 1
      if (['acknowledged', 'resolved', 'reopened'].includes(act)) tell(alert, act, Date.now())
      told(actor, `alert.${body.act}`, { id: alert.id, name: alert.rule_title }, { before, after: { status: alert.status, assignee: alert.assignee } })
      return { body: detail(alert) }
    }, true],
    ['GET /silences', 'alerts.read', () => ({ body: { silences: silences.map((silence) => ({ ...silence, by: nameOf(silence.by), is_ended: isOver(silence) })) } })],
    ['POST /silences', 'alerts.manage', ({ body, actor }) => {
      const silence = { id: state.id('sil'), rule_ids: body.rule_ids ?? [], severities: body.severities ?? [], group: body.group ?? [], from: iso(body.from === undefined ? Date.now() : Date.parse(momentOf(body.from))), until: momentOf(body.until), reason: body.reason ?? '', by: label(actor.user) }
      if ([silence.rule_ids, silence.severities, silence.group].every((list) => list.length === 0)) wrong('`matcher` says of what: rules, severities, or values that findings have in common')
      if (silence.reason.trim() === '') wrong('`reason` says why')
      silences.push(silence)
      told(actor, 'silence.create', { id: silence.id, name: silence.reason }, { after: { reason: silence.reason, until: silence.until } })
      return { status: 201, body: { ...silence, by: nameOf(silence.by), is_ended: false } }
    }, true],
    ['DELETE /silences/{id}', 'alerts.manage', ({ params, actor }) => { const silence = find(silences, params.id, 'silence'); drop(silences, silence); told(actor, 'silence.delete', { id: silence.id, name: silence.reason }); return gone }, true],

    ['GET /channels', 'alerts.read', () => ({ body: { channels: channels.toSorted((a, b) => a.name.localeCompare(b.name)).map(shownChannel), has_mail: false } })],
    ['POST /channels', 'channels.manage', ({ body, actor }) => {
      const channel = { id: state.id('chn'), ...channelOf(body), revision: 1, created_at: iso(Date.now()), created_by: actor.user.name }
      channels.push(channel)
      told(actor, 'channel.create', { id: channel.id, name: channel.name }, { after: { name: channel.name, enabled: channel.is_enabled } })
      return { status: 201, body: shownChannel(channel) }
    }, true],
    ['PATCH /channels/{id}', 'channels.manage', ({ params, body, actor }) => {
      const channel = find(channels, params.id, 'channel')
      const before = { name: channel.name, enabled: channel.is_enabled }
      Object.assign(channel, channelOf(body, channel), { revision: channel.revision + 1 })
      told(actor, 'channel.update', { id: channel.id, name: channel.name }, { before, after: { name: channel.name, enabled: channel.is_enabled } })
      return { body: shownChannel(channel) }
    }, true],
    ['DELETE /channels/{id}', 'channels.manage', ({ params, actor }) => {
      const channel = find(channels, params.id, 'channel')
      const users = [...presets, ...searchAlerts.map((one) => one.search_alert)].filter((one) => one.channels?.some((told) => told.channel === channel.id)).map((one) => one.name)
      if (users.length > 0) wrong(`${users.join(', ')} would tell nobody any more; take the channel out there first`, 409, 'conflict')
      drop(channels, channel)
      told(actor, 'channel.delete', { id: channel.id, name: channel.name })
      return gone
    }, true],
    ['POST /channels/{id}/test', 'channels.manage', ({ params, actor }) => { const channel = find(channels, params.id, 'channel'); told(actor, 'channel.send', { id: channel.id, name: channel.name }); return { body: shownDelivery(deliver(channel, undefined, 'test')) } }, true],
    ['GET /channels/{id}/deliveries', 'alerts.read', ({ params, search }) => {
      const { id } = find(channels, params.id, 'channel')
      const all = deliveries.filter((delivery) => delivery.channel === id)
      const start = all.findIndex((delivery) => delivery.id === search.get('cursor')) + 1
      const page = all.slice(start, start + Math.min(Number(search.get('limit') ?? 100), 1000))
      return { body: { deliveries: page.map(shownDelivery), next_cursor: start + page.length < all.length ? page.at(-1).id : null } }
    }],
    ['GET /notices/key', '', () => {
      key ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
      return { body: { pem: key.export({ type: 'spki', format: 'pem' }), jwk: { ...key.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'mock' } } }
    }],

    ['GET /search-alerts', 'alerts.read', () => ({ body: { search_alerts: searchAlerts } })],
    ['POST /search-alerts', 'alerts.manage', ({ body, actor }) => {
      parse(body.q ?? '')
      const id = state.id('sea')
      const made = { id, rule_id: `search:${id}`, search_alert: body, revision: 1, last_match_at: null, last_fired_at: null, created_at: iso(Date.now()), created_by: label(actor.user) }
      searchAlerts.push(made)
      told(actor, 'search-alert.create', { id, name: body.name }, { after: { name: body.name, q: body.q ?? '' } })
      return { status: 201, body: made }
    }, true],
    ['PATCH /search-alerts/{id}', 'alerts.manage', ({ params, body, actor }) => {
      const one = find(searchAlerts, params.id, 'alert on a search')
      parse(body.q ?? '')
      Object.assign(one, { search_alert: body, revision: one.revision + 1 })
      told(actor, 'search-alert.update', { id: one.id, name: body.name })
      return { body: one }
    }, true],
    ['DELETE /search-alerts/{id}', 'alerts.manage', ({ params, actor }) => { const one = find(searchAlerts, params.id, 'alert on a search'); drop(searchAlerts, one); told(actor, 'search-alert.delete', { id: one.id, name: one.search_alert.name }); return gone }, true],
    ['GET /presets', 'alerts.read', () => ({ body: { presets: presets.map(withUsers) } })],
    ['POST /presets', 'alerts.manage', ({ body, actor }) => {
      const preset = { id: state.id('pre'), name: body.name, channels: body.channels, revision: 1, created_at: iso(Date.now()), created_by: label(actor.user) }
      presets.push(preset)
      return { status: 201, body: withUsers(preset) }
    }, true],
    ['PATCH /presets/{id}', 'alerts.manage', ({ params, body }) => { const preset = find(presets, params.id, 'preset'); Object.assign(preset, { name: body.name, channels: body.channels, revision: preset.revision + 1 }); return { body: withUsers(preset) } }, true],
    ['DELETE /presets/{id}', 'alerts.manage', ({ params }) => { const preset = find(presets, params.id, 'preset'); drop(presets, preset); for (const one of searchAlerts.filter((alert) => alert.search_alert.preset === preset.id)) drop(searchAlerts, one); return gone }, true],

    ['GET /findings/days', 'alerts.read', ({ search }) => {
      const starts = asked(search)
      const findings = ruling.findings().filter((finding) => Date.parse(finding.eventTime) >= starts[0])
      const rules = [...new Set(findings.map((finding) => finding.requestData.ruleId))].sort()
      const of = (rule) => findings.filter((finding) => finding.requestData.ruleId === rule)
      return { body: { days: starts.map(iso), total: byDay(starts, findings), rules: rules.map((rule) => ({ rule_id: rule, found: byDay(starts, of(rule)), silenced: of(rule).filter((finding) => finding.requestData.silencedBy !== undefined).length })) } }
    }],
    ['GET /cards', 'alerts.read', ({ search }) => {
      const starts = asked(search)
      const findings = ruling.findings().filter((finding) => finding.requestData.silencedBy === undefined)
      const values = [['Identity and Access', 'identity-and-access'], ['Data and Kubernetes', 'data-and-kubernetes'], ['Everything else', null]].map(([text, area]) => {
        const days = byDay(starts, findings.filter((finding) => ruling.areaOf(finding.requestData.provider) === area))
        const providers = ruling.providersOf(area).map((provider) => `"${provider}"`).join(',')
        return { text, value: days.reduce((sum, day) => sum + day, 0), days, q: providers === '' ? UNSILENCED : `${UNSILENCED} ${area === null ? 'NOT ' : ''}requestData.provider:==[${providers}]` }
      })
      const from = iso(starts[0])
      const elements = [...values.map((value) => ({ kind: 'NUMERIC', text: value.text, values: [{ ...value, days: [] }], from })), { kind: 'TIME_SERIES', text: 'Findings by day', values, from }]
      return { body: { days: starts.map(iso), sections: [{ title: 'Activity', cards: [{ id: 'activity-insights', provider: 'whodid', title: 'Activity Insights', subtitle: 'What the rules found', requires_configuration: false, q: UNSILENCED, elements }] }] } }
    }],
  ]
  const withUsers = (preset) => ({ ...preset, used_by: searchAlerts.filter((one) => one.search_alert.preset === preset.id).map((one) => one.search_alert.name) })
  return routes
}
