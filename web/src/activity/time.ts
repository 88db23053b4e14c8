/** Times as people read them, and ranges as the address and the API write them. */

export type Zone = 'local' | 'utc'

export const DEFAULT_RANGE = 'now-24h'

export const PRESETS: readonly { from: string; label: string }[] = [
  { from: 'now-15m', label: 'Last 15 minutes' },
  { from: 'now-1h', label: 'Last hour' },
  { from: 'now-4h', label: 'Last 4 hours' },
  { from: 'now-24h', label: 'Last 24 hours' },
  { from: 'now-7d', label: 'Last 7 days' },
  { from: 'now-30d', label: 'Last 30 days' },
  { from: 'now-90d', label: 'Last 90 days' },
  { from: 'all', label: 'All time' },
]

const formats = new Map<string, Intl.DateTimeFormat>()

function parts(time: Date, zone: Zone): Record<string, string> {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone === 'utc' ? 'UTC' : undefined,
      year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23', timeZoneName: 'short',
    })
    formats.set(zone, format)
  }
  return Object.fromEntries(format.formatToParts(time).map((part) => [part.type, part.value]))
}

const YEAR_MS = 60_000
let years: { at: number; names: Partial<Record<Zone, string | undefined>> } = { at: 0, names: {} }

/** This year's number, looked up once a minute: every row asks for it. */
function yearNow(zone: Zone): string | undefined {
  const now = Date.now()
  if (now - years.at > YEAR_MS) years = { at: now, names: {} }
  return (years.names[zone] ??= parts(new Date(now), zone).year)
}

/** `20 Nov 10:42:05.113`; with the year where it is not this one. */
export function clock(iso: string, zone: Zone, precise = true): { day: string; time: string } {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return { day: '', time: iso }
  const p = parts(time, zone)
  const thisYear = p.year === yearNow(zone)
  return { day: `${p.day ?? ''} ${p.month ?? ''}${thisYear ? '' : ` ${p.year ?? ''}`}`, time: `${p.hour ?? ''}:${p.minute ?? ''}:${p.second ?? ''}${precise ? `.${p.fractionalSecond ?? '000'}` : ''}` }
}

export function zoneName(zone: Zone): string {
  return zone === 'utc' ? 'UTC' : (parts(new Date(), zone).timeZoneName ?? 'local')
}

/** One line that leaves no doubt: `20 Nov 2026 10:42:05.113 UTC`. */
export function fullTime(iso: string, zone: Zone): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  const p = parts(time, zone)
  return `${p.day ?? ''} ${p.month ?? ''} ${p.year ?? ''} ${p.hour ?? ''}:${p.minute ?? ''}:${p.second ?? ''}.${p.fractionalSecond ?? '000'} ${p.timeZoneName ?? ''}`
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]]
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** `3 hours ago`, `in 2 days`. */
export function relative(iso: string, now: number): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000)
  if (Number.isNaN(seconds)) return ''
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return relativeFormat.format(Math.trunc(seconds / size), unit)
  return 'just now'
}

/** Distance from this moment. */
export const ago = (iso: string): string => relative(iso, Date.now())

/** What stands on hover: both zones and the distance. */
export function hoverTime(iso: string): string {
  return `${fullTime(iso, 'utc')}\n${fullTime(iso, 'local')}\n${ago(iso)}`
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length in words: `15 min`, `2 h 30 min`, `3 d`. */
export function lengthText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`
  const minutes = Math.round(ms / MINUTE)
  if (minutes < 60) return `${minutes} min`
  if (ms < 2 * DAY) return `${Math.floor(minutes / 60)} h${minutes % 60 > 0 ? ` ${minutes % 60} min` : ''}`
  return `${Math.round(ms / DAY)} d`
}

/** ISO 8601 duration, as the histogram's interval has it, in milliseconds. */
export function durationMs(text: string): number {
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (!match) return HOUR
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number((part as string | undefined) ?? 0)) as [number, number, number, number, number]
  return ((weeks * 7 + days) * 24 + hours) * HOUR + minutes * MINUTE + seconds * 1000
}

/** An absolute point of a range in milliseconds; undefined for what only the server reads: browsers see a date in most words. */
export function pointMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** The range in words, for the picker's button. */
export function rangeLabel(from: string | undefined, to: string | undefined, zone: Zone): string {
  const start = from ?? DEFAULT_RANGE
  if (!to) {
    const preset = PRESETS.find((candidate) => candidate.from === start)
    if (preset) return preset.label
    const ago = /^(?:now-)?(\d+)([smhdw])$/.exec(start)
    if (ago) return `Last ${ago[1] ?? ''} ${({ s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks' } as Record<string, string>)[ago[2] ?? ''] ?? ''}`
  }
  const point = (text: string): string => {
    if (pointMs(text) === undefined) return text
    const { day, time } = clock(text, zone, false)
    return `${day} ${time.endsWith(':00') ? time.slice(0, 5) : time}`
  }
  if (start === 'all') return to ? `Until ${point(to)}` : 'All time'
  // Words may name a whole range.
  if (!to) return pointMs(start) === undefined && /[a-z]/i.test(start) ? start : `Since ${point(start)}`
  const { day } = clock(start, zone)
  const end = point(to)
  return `${point(start)} – ${day !== '' && day === clock(to, zone).day ? end.slice(day.length + 1) : end}`
}

/** What is wrong with a range, where both ends are absolute. */
export function rangeProblem(range: { from?: string | undefined; to?: string | undefined }): string | undefined {
  const from = pointMs(range.from)
  const to = pointMs(range.to)
  return from !== undefined && to !== undefined && from >= to ? 'The end must come after the start.' : undefined
}

/** For `datetime-local` inputs, which know no zone. */
export function toInput(iso: string, zone: Zone): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return ''
  const shifted = zone === 'utc' ? time : new Date(time.getTime() - time.getTimezoneOffset() * MINUTE)
  return shifted.toISOString().slice(0, 19)
}

export function fromInput(value: string, zone: Zone): string {
  const time = new Date(zone === 'utc' ? `${value}Z` : value)
  return Number.isNaN(time.getTime()) ? value : time.toISOString()
}
