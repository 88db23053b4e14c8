/** Days of the event time in UTC, perhaps one hour of each, and whose events: what counting, downloading and removing ask for. */
import type { SentSpan } from '../api/keeping'
import type { Logs } from '../query/logs'
import { exactly } from '../query/terms'

/** All that the person may see, what belongs to no space, or what belongs to one. */
export type Whose = 'all' | 'account' | 'space'

export interface Span {
  /** First day, `2026-11-27`. */
  from: string
  /** Last day; it counts. */
  to: string
  /** `0` to `23`; empty for whole days. */
  hour: string
  of: Whose
  /** Its name, where `of` is `space`. */
  space: string
}

export const DAY_MS = 86_400_000
/** Days before the last one when no first is said, as the server has it. */
const DAYS_BEFORE = 14
/** Most days of one request. */
const DAYS_MAX = 3660

export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
/** The day's beginning; undefined for what is no day. */
export function dayStart(day: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined
  const time = Date.parse(`${day}T00:00:00Z`)
  return Number.isNaN(time) || dayOf(time) !== day ? undefined : time
}
export const daysAfter = (day: string, days: number): string => dayOf((dayStart(day) ?? 0) + days * DAY_MS)

export interface SpanSearch {
  from?: string
  to?: string
  hour?: string
  of?: string
  space?: string
}

/** What an address says; what it does not say, or says wrongly, is as when nothing was chosen. */
export function spanOf(search: SpanSearch, now: number): Span {
  const to = search.to !== undefined && dayStart(search.to) !== undefined ? search.to : dayOf(now)
  const from = search.from !== undefined && dayStart(search.from) !== undefined ? search.from : daysAfter(to, -DAYS_BEFORE)
  const of = search.of === 'account' || (search.of === 'space' && search.space !== undefined) ? search.of : 'all'
  return { from, to, hour: search.hour !== undefined && /^(1?\d|2[0-3])$/.test(search.hour) ? search.hour : '', of, space: of === 'space' ? (search.space ?? '') : '' }
}

/** The same as an address writes it. */
export function searchOfSpan(span: Span): SpanSearch {
  return { from: span.from, to: span.to, ...(span.hour === '' ? {} : { hour: span.hour }), ...(span.of === 'all' ? {} : { of: span.of }), ...(span.of === 'space' ? { space: span.space } : {}) }
}

/** What is wrong with it, in words. */
export function spanProblem({ from, to, of, space }: Span): string | undefined {
  const [first, last] = [dayStart(from), dayStart(to)]
  if (first === undefined || last === undefined) return 'Choose the first and the last day.'
  if (first > last) return 'The last day must not come before the first.'
  if ((last - first) / DAY_MS >= DAYS_MAX) return 'At most ten years at once.'
  if (of === 'space' && !/^[a-z0-9][a-z0-9_-]*$/.test(space)) return space === '' ? 'Name the space.' : 'A space has a name of small letters, digits, - and _.'
  return undefined
}

/** As the API takes it. */
export function sentSpan({ from, to, hour, of, space }: Span): SentSpan {
  return { from, to, ...(hour === '' ? {} : { hour: Number(hour) }), ...(of === 'space' ? { space } : {}), ...(of === 'account' ? { account_level: true } : {}) }
}

export const isSameSpan = (one: Span, other: Span): boolean => JSON.stringify(sentSpan(one)) === JSON.stringify(sentSpan(other))

const dayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
const weekdayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short' })

/** `Fri 27 Nov 2026`. */
export function dayText(day: string): string {
  const time = dayStart(day)
  return time === undefined ? day : `${weekdayFormat.format(time)} ${dayFormat.format(time)}`
}

/** `27 Nov 2026`, `13–27 Nov 2026`. */
export function daysText(from: string, to: string): string {
  const [first, last] = [dayStart(from), dayStart(to)]
  return first === undefined || last === undefined || first > last ? `${from} – ${to}` : dayFormat.formatRange(first, last).replace(/\s–\s/, ' – ')
}

/** `14:00–15:00`. */
export const hourText = (hour: number): string => `${String(hour).padStart(2, '0')}:00–${String((hour + 1) % 24).padStart(2, '0')}:00`

/** Whose, in words after “of”. */
export const whoseText = (of: Whose, space: string | null, all: string): string => (of === 'account' ? 'the account itself' : of === 'space' ? `space ${space ?? ''}` : all)

/** Where the Activity page shows the events of one of its days. */
export function activityOf(span: Span, day: string): { from: string; to: string; q?: string; logs?: Logs } {
  const start = (dayStart(day) ?? 0) + (span.hour === '' ? 0 : Number(span.hour) * 3_600_000)
  const end = start + (span.hour === '' ? DAY_MS : 3_600_000)
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString(), ...(span.of === 'account' ? { logs: 'account' as const } : {}), ...(span.of === 'space' ? { q: exactly('record.space', span.space) } : {}) }
}
