// The mock's routes about insights: believable ones of every state, with their series, made up around now. What people say
// of them is remembered; nothing is learned.
import { Refusal } from './identity.mjs'

const MINUTE_MS = 6e4
const HOUR_MS = 36e5
const DAY_MS = 24 * HOUR_MS
const KINDS = [['ApiCallRateInsight', 'Call rate'], ['ApiErrorRateInsight', 'Error rate'], ['IpInsight', 'New address'], ['AkInsight', 'Access key'], ['PolicyChangeInsight', 'Policy changes'], ['PasswordChangeInsight', 'Password changes'], ['TrailConcealmentInsight', 'Concealed trail']]
const PATTERN = ['insight_type', 'region', 'event_source', 'event_name', 'error_code', 'source_ip_address', 'principal_id']
/** As near as the mock comes to "sees every event": who has the second sees the first as well. */
const ALL = 'account-events.read'
const EXACT = [...PATTERN, 'access_key_id']

/** A text against a pattern in which `*` stands for any text. */
const fits = (pattern, text) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 'is').test(text ?? '')
const covers = (pattern, insight) => PATTERN.every((name) => pattern[name] == null || fits(pattern[name], insight[name]))

export function makeInsights(state, switches, all, now) {
  const iso = (time) => new Date(time).toISOString()
  const wrong = (detail, status = 400, code = 'bad_parameter') => { throw new Refusal(status, code, detail) }
  const settings = { on: KINDS.map(([name]) => name).filter((name) => name !== 'PasswordChangeInsight'), sensitivity: 'normal' }
  const expected = []
  let made
  const entry = (value, share, usual, count) => ({ value, count: Math.round(share * count), average: Math.round(share * count) / 10, share, shareChange: share - usual })
  const usualEntry = (value, share) => ({ value, count: Math.round(share * 900), average: share / 10, share })

  /** `about`: what it is about; `made`: contributors by attribute, each a value, its share and its usual share. */
  function make(id, type, { ago, minutes, count, each, about, sentence, severity = 'warning', test, of = {}, absent = {}, more = {} }) {
    const start = now - ago * MINUTE_MS
    const end = minutes === undefined ? null : start + minutes * MINUTE_MS
    const until = end ?? now - 2 * MINUTE_MS
    const lasted = Math.max(1, (until - start) / MINUTE_MS)
    const usual = each * lasted
    const query = [about.event_name && `action:===${about.event_name}`, about.source_ip_address && `initiator.host.address:===${about.source_ip_address}`, about.region !== 'global' && about.region && `region:===${about.region}`, about.error_code && 'outcome:failure'].filter(Boolean).join(' ')
    return {
      id, insight_type: type, state: end === null ? 'open' : 'ended', object: about.object ?? about.event_name, sentence, severity, start: iso(start), end: end && iso(end), until: iso(until), region: about.region ?? 'global', source: about.source ?? 'ibm-at',
      event_source: about.event_source ?? null, event_name: about.event_name ?? null, error_code: about.error_code ?? null, source_ip_address: about.source_ip_address ?? null, principal_id: about.principal_id ?? null, access_key_id: about.access_key_id ?? null,
      times_usual: usual >= 0.5 ? Number((count / usual).toPrecision(4)) : null, count, verdict: null, verdict_reason: null, verdict_by: null, verdict_at: null, expected_by: null,
      statistics: { insight: { average: count / lasted }, expected: { average: each }, baseline: { average: each }, insightDuration: Math.ceil(lasted), baselineDuration: 10080, insightCount: count, expectedCount: usual, baselineCount: Math.round(each * 10080), peak: Math.round((count / lasted) * 7), peakExpected: each * 5, timesUsual: usual >= 0.5 ? count / usual : null },
      test, attributions: Object.entries(of).map(([attribute, values]) => ({ attribute, insight: values.map(([value, share, before]) => entry(value, share, before, count)), baseline: [...values.filter(([, , before]) => before > 0).map(([value, , before]) => usualEntry(value, before)), ...(absent[attribute] ?? []).map(([value, share]) => usualEntry(value, share))] })),
      evidence: { stream: 'activity', query, from: iso(start), to: iso(until), count, records: records(query, start, until) }, event_ids: [`${id}-start`], each, ...more,
    }
  }
  /** The records of the mock's own events that look like it, where there are any. */
  function records(query, start, until) {
    const action = /action:===(\S+)/.exec(query)?.[1]
    const address = /address:===(\S+)/.exec(query)?.[1]
    const fit = (event) => (action === undefined || event.action === action) && (address === undefined || event.initiator?.host?.address === address)
    const within = all().filter((event) => fit(event) && Date.parse(event.eventTime) >= start && Date.parse(event.eventTime) < until)
    return (within.length > 0 ? within : all().filter(fit).slice(-6)).slice(0, 20).map((event) => event.record.id)
  }
  const nb = (windowMinutes, count, wanted, upper, score) => ({ method: 'negative-binomial', windowMinutes, count, expected: wanted, upper, score, threshold: 8.21, pValue: `1e-${score}` })

  function insights() {
    made ??= [
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f001', 'ApiCallRateInsight', { ago: 92, count: 3780, each: 3, about: { event_name: 'kms.secrets.delete', event_source: 'kms', region: 'eu-de', principal_id: 'bob' }, sentence: 'kms.secrets.delete calls by bob in eu-de: 14× normal, 42 a minute against 3', test: nb(10, 420, 30.1, 46, 24.6), of: { principalId: [['bob', 0.86, 0.07], ['ci-bot', 0.09, 0.52], ['carol', 0.05, 0.11]], userAgent: [['curl/8.9.1', 0.86, 0], ['example-sdk/4.2 (linux; x86_64)', 0.14, 0.93]], sourceIpAddress: [['198.51.100.231', 0.86, 0], ['192.0.2.10', 0.14, 0.52]], errorCode: [['null', 0.91, 0.97], ['Forbidden', 0.09, 0.03]] }, absent: { principalId: [['alice.meyer@example.com', 0.3]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f002', 'IpInsight', { ago: 88, count: 15, each: 0, severity: 'critical', about: { object: '198.51.100.231', source_ip_address: '198.51.100.231', principal_id: 'bob', region: 'eu-de' }, sentence: 'bob from the new address 198.51.100.231 in eu-de: a network never used before, is refused time and again, another program than usual, changes things at once', test: { method: 'likelihood-ratio', windowMinutes: 60, count: 15, expected: 0, upper: 0, score: 6.1, threshold: 4, terms: [{ name: 'network', value: 2.31 }, { name: 'denied', value: 1.62 }, { name: 'agent', value: 1.1 }, { name: 'writes', value: 0.72 }, { name: 'account', value: 0.61 }, { name: 'hour', value: 0.04 }, { name: 'country', value: -0.3 }] }, of: { userAgent: [['curl/8.9.1', 1, 0]], principalId: [['bob', 1, 1]], apiRelated: [['kms.secrets.delete', 1, 0.02]], errorCode: [['Forbidden', 0.93, 0.01], ['null', 0.07, 0.99]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f003', 'ApiErrorRateInsight', { ago: 41, count: 212, each: 0.4, about: { object: 'AccessDenied', event_name: 'GetObject', event_source: 's3.amazonaws.com', error_code: 'AccessDenied', region: 'us-south', source: 'cloudtrail' }, sentence: 'AccessDenied errors of GetObject in us-south: 38 % of calls fail, usually 1.4 %', test: { method: 'beta-binomial', windowMinutes: 30, count: 187, of: 492, expected: 6.9, upper: 14, score: 15.2, threshold: 8.21, pValue: '1e-15.2' }, of: { principalId: [['billing-sync', 0.97, 0.31], ['erin.okafor@example.com', 0.03, 0.12]], sourceIpAddress: [['203.0.113.200', 0.97, 0.31], ['203.0.113.87', 0.03, 0.12]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f004', 'TrailConcealmentInsight', { ago: 7 * 60, minutes: 34, count: 1, each: 0, severity: 'critical', about: { event_name: 'StopLogging', object: 'cloudtrail.amazonaws.com', event_source: 'cloudtrail.amazonaws.com', principal_id: 'frank', region: 'eu-gb', source: 'cloudtrail' }, sentence: 'StopLogging by frank in eu-gb: what is done may no longer be recorded; over', test: { method: 'fact', windowMinutes: 0, count: 1, expected: 0, upper: 0, score: 0, threshold: 0 }, of: { principalId: [['frank', 1, 0]], sourceIpAddress: [['192.0.2.180', 1, 0]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f005', 'PolicyChangeInsight', { ago: 2.3 * 1440, minutes: 85, count: 64, each: 0.05, about: { object: 'iam', event_source: 'iam', principal_id: 'alice.meyer@example.com' }, sentence: 'Changes of rights in iam by alice.meyer@example.com: 15× normal, 45 an hour against 3; as usual again', test: nb(30, 31, 1.5, 4, 14.1), of: { principalId: [['alice.meyer@example.com', 0.95, 0.4], ['carol', 0.05, 0.2]], userAgent: [['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 1, 1]] }, more: { verdict: 'useful', verdict_reason: 'A script had the wrong group.', verdict_by: 'bob', verdict_at: iso(now - 2 * DAY_MS) } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f006', 'ApiCallRateInsight', { ago: 5.2 * 1440, minutes: 220, count: 96, each: 0.0004, about: { event_name: 'PutBucketPolicy', event_source: 's3.amazonaws.com', region: 'us-south', source: 'cloudtrail' }, sentence: 'PutBucketPolicy calls by ci-bot in us-south: 96 in 3.7 hours, and usually next to none; as usual again', test: { method: 'first-day', windowMinutes: 1440, count: 96, expected: 2, upper: 31, score: 9.4, threshold: 8.21 }, of: { principalId: [['ci-bot', 1, 1]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f007', 'AkInsight', { ago: 9.6 * 1440, minutes: 12, count: 9, each: 0, severity: 'critical', about: { object: 'ApiKey-51c2e9f7…03ab', access_key_id: 'ApiKey-51c2e9f7…03ab', principal_id: 'backup-agent', region: 'eu-de' }, sentence: 'Access key ApiKey-51c2e9f7…03ab by backup-agent in eu-de: a service never used before, at an odd hour; over', test: { method: 'likelihood-ratio', windowMinutes: 60, count: 9, expected: 0, upper: 0, score: 4.4, threshold: 4, terms: [{ name: 'service', value: 2.9 }, { name: 'hour', value: 1.5 }] }, of: { apiRelated: [['iam-am.policy.update', 1, 0]] } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f008', 'ApiCallRateInsight', { ago: 13.1 * 1440, minutes: 130, count: 2210, each: 2.4, about: { event_name: 'kms.secrets.wrap', event_source: 'kms', region: 'eu-de', principal_id: 'ci-bot' }, sentence: 'kms.secrets.wrap calls by ci-bot in eu-de: 7.1× normal, 17 a minute against 2.4; as usual again', test: nb(15, 260, 36, 52, 19.8), of: { principalId: [['ci-bot', 0.99, 0.9]] }, more: { verdict: 'expected', verdict_reason: 'The yearly rotation of keys.', verdict_by: 'administrator', verdict_at: iso(now - 13 * DAY_MS) } }),
      make('5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f009', 'ApiErrorRateInsight', { ago: 20.4 * 1440, minutes: 1440, count: 5310, each: 0.3, about: { object: 'InternalServerError', event_name: 'kms.secrets.read', event_source: 'kms', error_code: 'InternalServerError', region: 'eu-gb' }, sentence: 'InternalServerError errors of kms.secrets.read in eu-gb: 9.2 % of calls fail, usually 0.8 %; it stayed so, and is what is usual now', test: { method: 'beta-binomial', windowMinutes: 60, count: 120, of: 1304, expected: 10.4, upper: 19, score: 21.7, threshold: 8.21, pValue: '1e-21.7' }, of: { principalId: [['kubelet-7', 0.66, 0.6], ['ci-bot', 0.34, 0.3]] } }),
    ]
    return switches.empty || switches.calm ? [] : made
  }

  const isExpected = (insight) => insight.verdict === 'expected' || (insight.expected_by !== null && insight.verdict === null)
  const shown = (insight) => ({ ...insight, each: undefined })
  const find = (id) => insights().find((one) => one.id === id || one.event_ids.includes(id)) ?? wrong('there is no such insight in this account', 404, 'not_found')
  const point = (text, otherwise) => { if (text === null) return otherwise; const ago = /^(?:now-)?(\d+)([mhdw])$/.exec(text); const time = ago ? Date.now() - Number(ago[1]) * { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS }[ago[2]] : Date.parse(text); return Number.isNaN(time) ? wrong(`\`from\`: ${JSON.stringify(text)} is no time`) : time }
  const told = (actor, action, target, more) => state.tell({ action, by: actor.user, session: actor.session?.id, address: actor.address, agent: actor.agent, target, severity: 'warning', ...more })

  function status() {
    const list = insights().filter((one) => one.state === 'open' && !isExpected(one))
    const hours = switches.empty ? 0 : switches.learning ? 17.4 : 24
    const since = switches.empty ? null : switches.learning ? now - hours * HOUR_MS : now - 30 * DAY_MS
    return { settings, learning_since: since && iso(since), learning_until: since && iso(since + DAY_MS), learned_hours: hours, is_ready: hours >= 24, series: switches.empty ? 0 : 1204, live_series: switches.empty ? 0 : 861, held: switches.learning ? 4120 : 0, behind: 0, late: 12, forgotten_series: 0, untold: 0, state_bytes: 3_480_000, kinds: KINDS.map(([insight_type, title]) => ({ insight_type, title, is_on: settings.on.includes(insight_type), open: list.filter((one) => one.insight_type === insight_type).length })) }
  }
  /** What a series is made of: quiet at night, with the insight on top of it. */
  function series(insight, search) {
    const period = Number(search.get('period') ?? 300)
    if (![60, 300, 3600].includes(period)) wrong('`period` is 60, 300 or 3600')
    if (insight.each === 0) return { period, points: [], query: insight.evidence.query, episodes: [] }
    const [start, end] = [Date.parse(insight.start), insight.end === null ? now : Date.parse(insight.end)]
    const step = period * 1000
    const reach = period === 60 ? 4 * HOUR_MS : period === 300 ? DAY_MS : 5 * DAY_MS
    const points = []
    const rate = insight.count / Math.max(1, (end - start) / MINUTE_MS)
    for (let time = Math.floor((start - reach) / step) * step; time < Math.min(now, end + reach / 6); time += step) {
      const hour = new Date(time).getUTCHours()
      const wanted = insight.each * (period / 60) * (0.35 + 1.1 * Math.max(0, Math.sin(((hour - 5) / 16) * Math.PI)))
      const noise = Math.abs(Math.sin(time / 7919e3) + Math.sin(time / 3571e3)) - 0.6
      const over = Math.max(0, Math.min(time + step, end) - Math.max(time, start)) / MINUTE_MS
      points.push({ at: iso(time), count: Math.max(0, Math.round(wanted + noise * Math.sqrt(wanted + 0.2) + over * rate * (0.75 + 0.5 * Math.abs(Math.sin(time / 911e3))))), expected: Number(wanted.toPrecision(4)), upper: Number((wanted + 1.9 * Math.sqrt(wanted + 0.6)).toPrecision(4)) })
    }
    return { period, points, query: insight.evidence.query, episodes: [{ id: insight.id, start: insight.start, end: insight.end }] }
  }
  function inForm(insight, form) {
    if (form === 'cloudtrail' && !['ApiCallRateInsight', 'ApiErrorRateInsight'].includes(insight.insight_type)) return []
    const details = { insightType: insight.insight_type, ...(form === 'actiontrail' ? { insightObject: insight.object } : { eventSource: insight.event_source, eventName: insight.event_name }), insightContext: { statistics: { insight: insight.statistics.insight, baseline: insight.statistics.baseline, insightDuration: insight.statistics.insightDuration }, attributions: insight.attributions } }
    return (insight.end === null ? ['Start'] : ['Start', 'End']).map((stage) => ({ eventVersion: form === 'actiontrail' ? '1' : '1.07', eventType: form === 'actiontrail' ? 'ActionTrailInsight' : 'AwsCloudTrailInsight', eventCategory: 'Insight', eventTime: stage === 'Start' ? insight.start : insight.end, sharedEventId: insight.id, insightDetails: { state: stage, ...details } }))
  }

  return [
    ['GET /insights', ALL, ({ search }) => {
      const [from, to] = [point(search.get('from'), Date.now() - 30 * DAY_MS), point(search.get('to'), Infinity)]
      const asked = insights().filter((one) => { const start = Date.parse(one.start); return start >= from && start < to && EXACT.every((name) => search.get(name) === null || one[name] === search.get(name)) && (search.get('insight_object') === null || one.object === search.get('insight_object')) && (search.get('state') === null || one.state === search.get('state')) && (search.get('event_id') === null || one.id === search.get('event_id') || one.event_ids.includes(search.get('event_id'))) })
      const list = (search.get('expected') === 'true' ? asked : asked.filter((one) => !isExpected(one))).toSorted((a, b) => b.start.localeCompare(a.start))
      const begin = Number(search.get('cursor') ?? 0)
      const limit = Number(search.get('limit') ?? 50)
      const page = list.slice(begin, begin + limit)
      const form = search.get('form') ?? 'whodid'
      const by_type = {}
      for (const one of list) by_type[one.insight_type] = (by_type[one.insight_type] ?? 0) + 1
      return { body: { insights: form === 'whodid' ? page.map(shown) : page.flatMap((one) => inForm(one, form)), next_cursor: begin + limit < list.length ? String(begin + limit) : null, counts: { all: list.length, open: list.filter((one) => one.state === 'open').length, by_type, expected: asked.filter(isExpected).length } } }
    }],
    ['GET /insights/status', ALL, () => ({ body: status() })],
    ['PUT /insights/settings', 'rules.manage', ({ body, actor }) => {
      const before = { ...settings }
      Object.assign(settings, { on: body.on, sensitivity: body.sensitivity ?? 'normal' })
      told(actor, 'insight-settings.update', { id: 'default', name: 'default' }, { before, after: { ...settings } })
      return { body: status() }
    }, true],
    ['GET /insights/expected', 'rules.read', () => ({ body: { expected: expected.toReversed() } })],
    ['POST /insights/expected', 'rules.manage', ({ body, actor }) => ({ status: 201, body: expect(body.pattern, body.reason, actor, null) }), true],
    ['POST /insights/expected/preview', ALL, ({ body }) => { const list = insights(); const silenced = list.filter((one) => covers(body, one)); return { body: { silenced: silenced.length, of: list.length, examples: silenced.slice(0, 10).map(shown) } } }],
    ['DELETE /insights/expected/{id}', 'rules.manage', ({ params, actor }) => {
      const at = expected.findIndex((one) => one.id === params.id)
      if (at < 0) wrong('there is no such exception', 404, 'not_found')
      const [gone] = expected.splice(at, 1)
      told(actor, 'expected-insight.delete', { id: gone.id, name: gone.reason })
      return { status: 204 }
    }, true],
    ['GET /insights/{id}', ALL, ({ params }) => ({ body: shown(find(params.id)) })],
    ['GET /insights/{id}/series', ALL, ({ params, search }) => ({ body: series(find(params.id), search) })],
    ['PUT /insights/{id}/feedback', 'alerts.manage', ({ params, body, actor }) => {
      const insight = find(params.id)
      if (body.verdict === 'expected' && (body.reason ?? '').trim() === '') wrong('`reason` says why it was expected')
      Object.assign(insight, { verdict: body.verdict, verdict_reason: body.verdict === null ? null : (body.reason ?? null), verdict_by: body.verdict === null ? null : actor.user.name, verdict_at: body.verdict === null ? null : iso(Date.now()) })
      if (body.from_now_on != null) expect(body.from_now_on, body.reason, actor, insight.id)
      told(actor, 'insight.update', { id: insight.id, name: insight.object }, { after: { verdict: body.verdict } })
      return { body: shown(insight) }
    }, true],
  ]

  function expect(pattern, reason, actor, insight) {
    if (!PATTERN.some((name) => name !== 'insight_type' && /[^*]/.test(pattern[name] ?? ''))) wrong('the pattern covers everything; name at least a region, service, action, code, address or principal')
    if ((reason ?? '').trim() === '') wrong('`reason` says why it is expected')
    const one = { id: state.id('exp'), pattern, reason, created_at: iso(Date.now()), created_by: actor.user.name, insight, silenced: 0 }
    expected.push(one)
    told(actor, 'expected-insight.create', { id: one.id, name: reason }, { after: { reason, ...pattern } })
    return one
  }
}
