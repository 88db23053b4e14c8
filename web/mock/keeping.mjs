// The mock's routes about stored events: days, retention, downloads, removal.
import { gzipSync } from 'node:zlib'
import { Refusal } from './identity.mjs'

const DAY_MS = 864e5
const READS = ['space-events.read', 'account-events.read']
const DOWNLOADS_MAX = 30

/** `state`: as `makeIdentity` makes it. `rowsOf`: the events that a person may see, in order. `erase`: removes those that a test names. */
export function makeKeeping(state, rowsOf, erase) {
  const { retention, downloads } = state
  const told = (actor, action, target, more) => state.tell({ action, by: actor.user, session: actor.session?.id, address: actor.address, agent: actor.agent, target, severity: 'critical', ...more })
  const dayOf = (time) => new Date(time).toISOString().slice(0, 10)

  /** Reads which days, hour and whose. `get`: the value of a name. */
  function spanOf(get) {
    const day = (name, otherwise) => {
      const text = get(name) ?? otherwise
      if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text)) || dayOf(Date.parse(text)) !== text) throw new Refusal(400, 'bad_parameter', `\`${name}\` is ${JSON.stringify(text)}; write a day as 2026-11-27`)
      return text
    }
    const to = day('to', dayOf(Date.now()))
    const from = day('from', dayOf(Date.parse(to) - 14 * DAY_MS))
    if (from > to) throw new Refusal(400, 'bad_parameter', `\`from\` (${from}) must not lie after \`to\` (${to})`)
    const [hour, space, ofAccount] = [get('hour') ?? null, get('space') ?? null, String(get('account_level') ?? false) === 'true']
    return { from, to, hour: hour === null ? null : Number(hour), space, account_level: ofAccount }
  }
  const asked = ({ from, to, hour, space, account_level }) => ({ from, to, ...(hour === null ? {} : { hour }), ...(space === null ? {} : { space }), ...(account_level ? { account_level } : {}) })
  const isIn = (span) => (event) => {
    const [day, hour] = [event.eventTime.slice(0, 10), Number(event.eventTime.slice(11, 13))]
    return day >= span.from && day <= span.to && (span.hour === null || hour === span.hour) && (span.account_level ? event.record.space === null : span.space === null || event.record.space === span.space)
  }
  const own = (actor) => downloads.filter((session) => session.owner === actor.user.id)
  const one = (actor, id) => own(actor).find((session) => session.id === id) ?? (() => { throw new Refusal(404, 'not_found', 'you have no such download session in this account') })()
  const shown = ({ owner, ...session }) => ({ ...session, username: state.users.find((user) => user.id === owner)?.name })

  return [
    ['GET /days', READS, ({ search, actor }) => {
      const span = spanOf((name) => search.get(name))
      const days = new Map()
      for (const event of rowsOf(actor.user).filter(isIn(span))) {
        const date = event.eventTime.slice(0, 10)
        const day = days.get(date) ?? { date, count: 0, bytes: 0, types: [], searchable: 'all' }
        days.set(date, { ...day, count: day.count + 1, bytes: day.bytes + event.raw.length, types: [...new Set([...day.types, event.record.source])].sort() })
      }
      return { body: { days: [...days.values()].sort((a, b) => a.date.localeCompare(b.date)) } }
    }],
    ['DELETE /events', 'events.erase', ({ search, actor }) => {
      const span = spanOf((name) => search.get(name))
      const gone = erase(isIn(span))
      const bytes = gone.reduce((sum, event) => sum + Math.ceil(event.raw.length / 6), 0)
      told(actor, 'event.delete', { id: 'activity' }, { request: asked(span), response: { rows: gone.length, bytes } })
      return { body: { count: gone.length, bytes_freed: bytes } }
    }, true],
    ['GET /retention', 'settings.read', () => ({ body: { retention: [...retention].sort((a, b) => (a.space ?? '').localeCompare(b.space ?? '')) } })],
    ['PATCH /retention', 'settings.manage', ({ body, actor }) => {
      const space = body.space ?? null
      if (body.days !== -1 && (body.days < 1 || body.days > 36_500)) throw new Refusal(400, 'bad_json', 'events are kept for 1 to 36500 days, or -1 for ever')
      const known = retention.find((item) => item.space === space)
      const before = known?.days ?? -1
      if (known) known.days = body.days
      else retention.push({ space, days: body.days })
      told(actor, 'retention.update', { id: space ?? 'default' }, { before: { days: before }, after: { days: body.days }, request: { days: body.days, space } })
      return { body: { space, days: body.days } }
    }, true],
    ['GET /downloads', 'events.export', ({ actor }) => ({ body: { sessions: own(actor).map(shown) } })],
    ['POST /downloads', 'events.export', ({ body, actor }) => {
      const span = spanOf((name) => body[name])
      if (own(actor).filter((session) => session.space === span.space).length >= DOWNLOADS_MAX) throw new Refusal(409, 'limit_reached', `there are ${DOWNLOADS_MAX} download sessions already; delete one`)
      const now = new Date().toISOString()
      const session = { id: state.text(12), owner: actor.user.id, create_time: now, access_time: now, downloaded_at: null, ...span }
      downloads.unshift(session)
      told(actor, 'download-session.create', { id: session.id }, { severity: 'normal', after: { from_day: span.from, to_day: span.to, search_hour: span.hour, space: span.space, account_level: span.account_level } })
      return { status: 201, body: shown(session) }
    }],
    ['DELETE /downloads/{id}', 'events.export', ({ params, actor }) => {
      const session = one(actor, params.id)
      downloads.splice(downloads.indexOf(session), 1)
      told(actor, 'download-session.delete', { id: session.id }, { severity: 'normal', before: { from_day: session.from, to_day: session.to } })
      return { status: 204 }
    }],
    ['GET /downloads/{id}/content', 'events.export', ({ params, actor }) => {
      const session = one(actor, params.id)
      if (session.downloaded_at !== null) throw new Refusal(409, 'conflict', 'this session\'s events were downloaded already, and a session gives them once; make another one')
      const rows = rowsOf(actor.user).filter(isIn(session))
      session.downloaded_at = session.access_time = new Date().toISOString()
      told(actor, 'event.export', { id: 'activity' }, { severity: 'warning', request: { ...asked(session), session: session.id, view: 'download' }, response: { rows: rows.length } })
      return { bytes: gzipSync(rows.map((event) => `${event.raw}\n`).join('')), headers: { 'content-type': 'application/gzip', 'content-disposition': `attachment; filename="events-${session.from}-${session.to}.json.gz"` } }
    }],
  ]
}
