// Stand-in for whodid while the UI is developed: every endpoint of the contract over generated events.
//   node mock/server.mjs [port]    MOCK_EVENTS=12000 MOCK_DELAY_MS=0 MOCK_RATE=1 (live events a second)
// Serves ../dist under the production content security policy when it was built.
// Switches while running: POST /mock?fail=events&delay_ms=800&empty=1&signed_in=0&as=carol&stale=1&needs=set_up_mfa&provider=1
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'
import { makeAlerting } from './alerting.mjs'
import { makeEvent, makeHistory, random, rejectSamples } from './events.mjs'
import { makeIdentity, Refusal } from './identity.mjs'
import { makeInsights } from './insights.mjs'
import { makeKeeping } from './keeping.mjs'
import { makePeople } from './people.mjs'
import { fieldList, parse, parseTime, QueryProblem, valueOf } from './query.mjs'
import { makeRuling } from './ruling.mjs'

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const dist = join(import.meta.dirname, '../dist')

export function startMock({ port = 5180, events: count = 12_000, delayMs = 0, rate = 1, needSession = true, now = Date.now() } = {}) {
  const history = makeHistory(count, now)
  const next = random(7)
  let made = history.length
  const nextOffset = () => (made += 1) - 1
  const switches = { fail: '', delay_ms: delayMs, empty: false, signed_in: !needSession, as: 'administrator', stale: false, needs: '', calm: false, learning: false, provider: false, reports: true }
  const identity = makeIdentity(now, next)
  const followers = new Set()
  const rejects = rejectSamples.flatMap((sample, kind) => Array.from({ length: kind < 2 ? 9 : 3 }, (_, index) => ({
    record: { id: `rejects:${kind * 10 + index}`, offset: kind * 10 + index, recorded_at: new Date(now - (kind * 7 + index * 3) * 3_600_000).toISOString() },
    code: sample[0], detail: sample[1], source: sample[3], raw: sample[2], raw_encoding: sample[4],
  }))).sort((a, b) => b.record.recorded_at.localeCompare(a.record.recorded_at))
  const all = () => (switches.empty ? [] : history)
  const ownEvents = (user) => {
    const names = [user.name, user.id, ...user.also_known_as]
    return [...all().filter((event) => names.includes(event.initiator?.name) || names.includes(event.initiator?.id)), ...identity.audit.filter((event) => event.initiator.id === user.id)].sort(byTime).reverse()
  }
  /** What the roles of a person let them see of the account's own events. */
  function seenBy(user) {
    const reading = identity.held(user).filter((binding) => identity.roleNamed(binding.role)?.permissions.some((permission) => /^(space|account)-events.read$/.test(permission)))
    const tests = reading.map((binding) => {
      const permissions = identity.roleNamed(binding.role).permissions
      const test = parse(binding.query ?? '')
      return (event) => permissions.includes(event.record.space === null ? 'account-events.read' : 'space-events.read') && (!binding.spaces || binding.spaces.includes(event.record.space)) && test(event)
    })
    return (event) => tests.some((test) => test(event))
  }
  /** Takes the events away that `test` names, and gives them. */
  function erase(test) {
    const gone = history.filter(test)
    history.splice(0, history.length, ...history.filter((event) => !test(event)))
    return gone
  }
  const seen = (user) => all().filter(seenBy(user))
  const ruling = makeRuling(identity, all, seen)
  const people = makePeople(identity, switches, ownEvents, [...makeKeeping(identity, seen, erase), ...ruling.routes, ...makeAlerting(identity, ruling, now), ...makeInsights(identity, switches, all, now)])
  function filtered(search, user) {
    const test = parse(search.get('q') ?? '')
    const at = Date.now()
    const from = parseTime(search.get('from'), at) ?? -Infinity
    const to = parseTime(search.get('to'), at) ?? Infinity
    const audit = search.get('stream') === 'audit'
    if (audit && !identity.permissionsOf(user).includes('audit.read')) throw new Refusal(403, 'forbidden', '`audit.read` is not granted to you.')
    if (search.get('stream') === 'insights') return []
    const isFound = search.get('stream') === 'findings'
    if (isFound && !identity.permissionsOf(user).includes('alerts.read')) throw new Refusal(403, 'forbidden', '`alerts.read` is not granted to you.')
    const sees = audit || isFound ? () => true : seenBy(user)
    return (audit ? [...identity.audit].sort(byTime) : isFound ? [...ruling.findings()].sort(byTime) : all()).filter((event) => { const time = Date.parse(event.eventTime); return time >= from && time < to && test(event) && sees(event) })
  }
  function facet(rows, field, limit, prefix = '') {
    const counts = new Map()
    let missing = 0
    for (const event of rows) {
      const value = valueOf(event, field)
      if (value === undefined || value === null) missing += 1
      else counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
    }
    const sorted = [...counts].filter(([value]) => value.toLowerCase().startsWith(prefix.toLowerCase())).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    return { field, values: sorted.slice(0, limit).map(([value, n]) => ({ value, count: n })), other: sorted.slice(limit).reduce((sum, [, n]) => sum + n, 0), missing }
  }
  function histogram(rows, search) {
    const at = Date.now()
    const from = parseTime(search.get('from'), at) ?? (rows.length > 0 ? Date.parse(rows[0].eventTime) : at - 864e5)
    const to = parseTime(search.get('to'), at) ?? at
    const steps = [['PT1S', 1e3], ['PT5S', 5e3], ['PT15S', 15e3], ['PT1M', 6e4], ['PT5M', 3e5], ['PT15M', 9e5], ['PT30M', 18e5], ['PT1H', 36e5], ['PT3H', 108e5], ['PT6H', 216e5], ['PT12H', 432e5], ['P1D', 864e5]]
    const [interval, step] = (search.get('interval') === '1h' ? steps.find(([name]) => name === 'PT1H') : steps.find(([, ms]) => (to - from) / ms <= 120)) ?? steps.at(-1)
    const start = Math.floor(from / step) * step
    const buckets = []
    for (let time = start; time < to; time += step) buckets.push({ start: new Date(time).toISOString(), counts: {} })
    for (const event of rows) {
      const bucket = buckets[Math.floor((Date.parse(event.eventTime) - start) / step)]
      if (bucket) bucket.counts[event.record.result] = (bucket.counts[event.record.result] ?? 0) + 1
    }
    return { interval, from: new Date(from).toISOString(), to: new Date(to).toISOString(), by: search.get('by') ?? 'result', buckets, total: rows.length }
  }
  const byTime = (a, b) => (a.eventTime < b.eventTime ? -1 : a.eventTime > b.eventTime ? 1 : a.record.offset - b.record.offset)
  function add(event) {
    history.push(event)
    history.sort(byTime)
    for (const follower of followers) if (follower.test(event)) follower.response.write(`event: event\nid: ${event.record.id}\ndata: ${JSON.stringify(event)}\n\n`)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      if (error instanceof QueryProblem) return problem(response, 400, 'bad_query', 'The query text cannot be read', error.message, { position: error.position, length: error.length, expected: error.expected })
      if (error instanceof Refusal) return problem(response, error.status, error.code, error.code.replaceAll('_', ' ').replace(/^./, (sign) => sign.toUpperCase()), error.message, {}, error.headers)
      console.error(error)
      problem(response, 500, 'internal', 'Internal error', String(error))
    })
  })
  function json(response, status, body, headers = {}) {
    response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
  function problem(response, status, code, title, detail, more = {}, headers = {}) {
    json(response, status, { type: `/problems/${code}`, title, status, code, detail, ...more }, headers)
  }
  async function read(request) {
    const parts = []
    for await (const part of request) parts.push(part)
    return Buffer.concat(parts).toString()
  }
  const page = (rows, search) => {
    const limit = Math.min(Number(search.get('limit') ?? 100), 1000)
    const start = Number(search.get('cursor') ?? 0)
    return [rows.slice(start, start + limit), start + limit < rows.length ? String(start + limit) : null]
  }

  async function handle(request, response) {
    const url = new URL(request.url, 'http://mock')
    const { pathname: path, searchParams: search } = url
    const cookie = /whodid_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
    const session = identity.sessions.find((candidate) => candidate.cookie === cookie) ?? (switches.signed_in && cookie === undefined ? identity.sessions.find((candidate) => candidate.user === identity.userOf(switches.as)?.id) : undefined)
    const user = session ? identity.userOf(session.user) : switches.signed_in && cookie === undefined ? identity.userOf(switches.as) : undefined
    const actor = { user, session, address: '127.0.0.1', agent: request.headers['user-agent'] ?? '', origin: `http://${request.headers.host}` }
    if (path === '/mock') {
      for (const [name, value] of search) switches[name] = name === 'delay_ms' ? Number(value) : ['fail', 'as', 'needs'].includes(name) ? value : value === '1'
      for (const someone of identity.users) someone.must_change = false
      return json(response, 200, switches)
    }
    if (path === '/health/live') return json(response, 200, { ok: true })
    if (!path.startsWith('/api/')) return asset(path, request, response)
    if (switches.delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, switches.delay_ms))
    if (switches.fail !== '' && path.includes(switches.fail)) return problem(response, 503, 'journal_unavailable', 'The journal refuses writes', 'The journal holds 2 GiB that are not in the lake yet. Check the free space of the data folder; events are refused until it drains.')
    const route = `${request.method} ${path.replace('/api/v1', '')}`
    if (route === 'POST /events') {
      if (!/^Bearer wik_/.test(request.headers.authorization ?? '')) return problem(response, 401, 'unauthorized', 'Not signed in', 'An ingestion key is needed.')
      const lines = (await read(request)).split('\n').filter((line) => line.trim() !== '')
      const rejected = []
      let accepted = 0
      lines.forEach((line, index) => {
        try {
          const body = JSON.parse(line)
          const base = makeEvent(next, nextOffset(), Date.parse(body.eventTime ?? '') || Date.now())
          add({ ...base, ...body, reason: { ...base.reason, ...body.reason }, raw: line, record: { ...base.record, source: 'cadf', result: body.reason?.reasonCode === 403 ? 'denied' : body.outcome ?? 'unknown', service: body.observer?.name ?? 'api', summary: `${body.initiator?.name} did ${body.action}` } })
          accepted += 1
        } catch (error) {
          rejected.push({ index, code: 'not_json', detail: String(error.message) })
          rejects.unshift({ record: { id: `rejects:${rejects.length}`, offset: rejects.length, recorded_at: new Date().toISOString() }, code: 'not_json', detail: String(error.message), source: 'auto', raw: line, raw_encoding: 'utf-8' })
        }
      })
      return json(response, 200, { accepted, duplicates: 0, excluded: 0, rejected, first_offset: made - accepted, last_offset: made - 1 })
    }
    if (route === 'POST /packages' && request.headers['content-type'] !== 'application/json') { await read(request); return problem(response, 400, 'bad_json', 'The archive cannot be read', 'The mock installs no packages.') }
    const about = people.answer({ method: request.method, path, search, actor, body: request.method === 'GET' || request.method === 'DELETE' ? {} : JSON.parse((await read(request)) || '{}') })
    if (about) {
      if (about.text !== undefined) { response.writeHead(200, { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="access-review.csv"' }); return response.end(about.text) }
      if (about.bytes !== undefined) { response.writeHead(200, about.headers); return response.end(about.bytes) }
      if (about.body === undefined) { response.writeHead(about.status, about.headers); return response.end() }
      return json(response, about.status ?? 200, about.body, about.headers)
    }
    if (!user) return problem(response, 401, 'missing_credential', 'Sign in or send a key', 'Open the sign-in link that `whodid` printed.')
    people.complete(user)
    if (/^\/api\/v1\/(events|export)/.test(path)) user.last_read_at = new Date().toISOString()
    const started = performance.now()
    switch (route) {
      case 'GET /me/activity': case 'GET /me/activity/export': {
        const test = parse(search.get('q') ?? '')
        const [from, to] = [parseTime(search.get('from'), Date.now()) ?? -Infinity, parseTime(search.get('to'), Date.now()) ?? Infinity]
        const rows = ownEvents(user).filter((event) => { const time = Date.parse(event.eventTime); return time >= from && time < to && test(event) })
        if (path.endsWith('/export')) {
          response.writeHead(200, { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="my-activity.csv"' })
          return response.end(rows.map((event) => `${event.eventTime},${event.action}`).join('\n'))
        }
        const [events, cursor] = page(rows, search)
        return json(response, 200, { events, next_cursor: cursor, stats: { took_ms: 3, rows_scanned: rows.length, segments: 4, segments_read: 2, tail_rows: 10, as_of: rows.length } })
      }
      case 'GET /status': {
        const rows = all()
        // Numbers are of the whole account, so that only who sees the whole account is told them.
        const whole = identity.held(user).some((binding) => !binding.spaces && !binding.query && ['space-events.read', 'account-events.read'].every((name) => identity.roleNamed(binding.role)?.permissions.includes(name)))
        const known = (value) => (whole ? value : null)
        return json(response, 200, { events: known(rows.length), rejects: identity.permissionsOf(user).includes('rejects.read') ? (switches.empty ? 0 : rejects.length) : null, tail_rows: known(1200), unavailable_tables: [], journal_bytes: user.is_operator ? 1e7 : null, journal_bound_bytes: 2 ** 31, oldest_event: known(rows[0]?.eventTime ?? null), newest_event: known(rows.at(-1)?.eventTime ?? null), started_at: new Date(now).toISOString(), version: '0.1.0', locations: { kind: 'GEO-WHOIS-ASN Country', built_at: '2026-06-17T00:00:00Z', source: '@ip-location-db/geo-whois-asn-country-mmdb 2.3.2026061719', licence: 'CC0-1.0', notices: ['Statistics of the registries: CC BY 4.0, The Number Resource Organization'] } })
      }
      case 'GET /query/check': parse(search.get('q') ?? ''); return json(response, 200, { ok: true, canonical: (search.get('q') ?? '').trim() })
      case 'GET /events': {
        const rows = filtered(search, user)
        if (search.get('order') !== 'asc') rows.reverse()
        const [events, cursor] = page(rows, search)
        return json(response, 200, { events, next_cursor: cursor, stats: { took_ms: Math.ceil(performance.now() - started), rows_scanned: history.length, segments: 40, segments_read: search.get('from') ? 12 : 40, tail_rows: 1200, as_of: history.length } })
      }
      case 'GET /events/count': return json(response, 200, { count: filtered(search, user).length })
      case 'GET /events/histogram': return json(response, 200, histogram(filtered(search, user), search))
      case 'GET /events/top': return json(response, 200, facet(filtered(search, user), search.get('field'), Number(search.get('limit') ?? 10), search.get('prefix') ?? ''))
      case 'GET /events/facets': { const rows = filtered(search, user); return json(response, 200, { facets: search.getAll('field').map((field) => facet(rows, field, Number(search.get('limit') ?? 8))) }) }
      case 'GET /events/fields': {
        const prefix = (search.get('prefix') ?? '').toLowerCase()
        const model = fieldList.map((name) => ({ name, column: name.replaceAll('.', '_'), aliases: name === 'action' ? ['eventName'] : [], kind: name.endsWith('Data') ? 'json' : 'text', origin: 'model' }))
        const record = ['eventTime', 'recorded_at', 'offset', 'source', 'space'].map((name) => ({ name, column: name, aliases: [], kind: name === 'offset' ? 'number' : name.includes('ime') || name.includes('_at') ? 'time' : 'text', origin: 'model' }))
        const seen = ['requestData.requestURI', 'requestData.tags', 'requestData.dryRun', 'requestData.attempt'].map((name) => ({ name, column: null, aliases: [], kind: 'text', origin: 'seen' }))
        return json(response, 200, { fields: [...model, ...record, ...seen].filter((field) => field.name.toLowerCase().includes(prefix)) })
      }
      case 'GET /events/tail': {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
        response.write(': following\n\n')
        // Only what sources send comes by itself here.
        const follower = { response, test: (search.get('stream') ?? 'activity') === 'activity' ? parse(search.get('q') ?? '') : () => false }
        followers.add(follower)
        request.on('close', () => followers.delete(follower))
        return
      }
      case 'GET /rejects': {
        const rows = switches.empty ? [] : rejects.filter((reject) => !search.get('code') || reject.code === search.get('code'))
        const [found, cursor] = page(rows, search)
        return json(response, 200, { rejects: found, next_cursor: cursor })
      }
      case 'GET /rejects/summary': return json(response, 200, switches.empty ? { total: 0, codes: [] } : { total: rejects.length, codes: [...Map.groupBy ? Map.groupBy(rejects, (r) => r.code) : rejects.reduce((map, r) => map.set(r.code, [...(map.get(r.code) ?? []), r]), new Map())].map(([code, list]) => ({ code, count: list.length })) })
      case 'GET /export': {
        const rows = filtered(search, user)
        const csv = search.get('format') === 'csv'
        response.writeHead(200, { 'content-type': csv ? 'text/csv' : 'application/x-ndjson', 'content-disposition': `attachment; filename="activity.${csv ? 'csv' : 'ndjson'}"` })
        const columns = (search.get('columns') || 'eventTime,initiator.name,action,target.name,outcome').split(',')
        if (csv) response.write(`${columns.join(',')}\n`)
        for (const event of rows) response.write(csv ? `${columns.map((column) => `"${String(valueOf(event, column) ?? '').replaceAll('"', '""')}"`).join(',')}\n` : `${event.raw}\n`)
        return response.end()
      }
    }
    const one = /^\/api\/v1\/events\/([^/]+)(\/around)?$/.exec(path)
    if (one && request.method === 'GET') {
      const id = decodeURIComponent(one[1])
      const events = id.startsWith('audit:') ? identity.audit : id.startsWith('findings:') ? ruling.findings() : history
      const index = events.findIndex((event) => event.record.id === id || event.id === id)
      if (index < 0) return problem(response, 404, 'event_not_found', 'No such event', `No event has the id ${id}. It may have passed its retention.`)
      const event = events[index]
      const line = (other) => ({ record: { id: other.record.id, summary: other.record.summary, result: other.record.result }, eventTime: other.eventTime, action: other.action, outcome: other.outcome })
      if (!one[2]) return json(response, 200, { ...event, related: events.filter((other) => other !== event && (other.id === event.id || (event.correlationId && other.correlationId === event.correlationId))).map(line) })
      const count = Number(search.get('count') ?? 20)
      return json(response, 200, { before: events.slice(Math.max(0, index - count), index), after: events.slice(index + 1, index + 1 + count) })
    }
    problem(response, 404, 'not_found', 'No such route', `${request.method} ${path}`)
  }

  function asset(path, request, response) {
    let file = normalize(join(dist, path))
    if (!file.startsWith(dist) || !existsSync(file) || extname(file) === '') file = join(dist, 'index.html')
    if (!existsSync(file)) { response.writeHead(404); return response.end('not built') }
    const gzip = /gzip/.test(request.headers['accept-encoding'] ?? '')
    const bytes = readFileSync(file)
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-security-policy': policy, ...(gzip ? { 'content-encoding': 'gzip' } : {}) })
    response.end(gzip ? gzipSync(bytes) : bytes)
  }

  const beat = setInterval(() => { for (const follower of followers) follower.response.write(': beat\n\n') }, 10_000)
  const live = rate > 0 ? setInterval(() => { if (!switches.empty) add(makeEvent(next, nextOffset(), Date.now())) }, 1000 / rate) : undefined
  beat.unref()
  live?.unref()
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve({
      url: `http://127.0.0.1:${server.address().port}`, link: `http://127.0.0.1:${server.address().port}/sign-in?token=first`, key: 'wik_mock',
      stop: () => { clearInterval(beat); clearInterval(live); server.closeAllConnections(); server.close() },
    }))
  })
}

if (process.argv[1] === import.meta.filename) {
  const mock = await startMock({
    port: Number(process.argv[2] ?? 5180), events: Number(process.env.MOCK_EVENTS ?? 12_000), delayMs: Number(process.env.MOCK_DELAY_MS ?? 0), rate: Number(process.env.MOCK_RATE ?? 1),
  })
  console.log(`mock whodid: ${mock.url}   sign in: ${mock.link}`)
}
