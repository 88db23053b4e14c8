/** What an alert on a search waits for, and where its events are found, in words. Pure. */
import type { Watched } from '../api/searches'
import type { Blackout, SearchAlertWrite, TellingPreset, Trigger, TriggerInterval } from '../api/shapes'
import { exactly, join } from '../query/terms'
import { count } from '../ui/number'

export const INTERVALS: readonly (readonly [TriggerInterval, string])[] = [['30s', '30 seconds'], ['1m', '1 minute'], ['5m', '5 minutes'], ['15m', '15 minutes'], ['30m', '30 minutes'], ['1h', '1 hour'], ['6h', '6 hours'], ['12h', '12 hours'], ['24h', '24 hours']]
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof DAYS)[number]
export const DAY_NAMES: Record<Day, string> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' }

export const STREAMS = [['activity', 'Activity'], ['audit', 'Audit log'], ['rejects', 'Rejects'], ['insights', 'Insights']] as const
export type Stream = (typeof STREAMS)[number][0]
export const isStream = (name: string | undefined): name is Stream => STREAMS.some(([stream]) => stream === name)

/** How long a window is that says nothing of it. */
export const intervalOf = ({ operator, trigger_interval }: Pick<Trigger, 'operator' | 'trigger_interval'>): TriggerInterval => trigger_interval ?? (operator === 'presence' ? '30s' : '15m')

export const intervalWords = (interval: TriggerInterval): string => INTERVALS.find(([name]) => name === interval)?.[1] ?? interval

/** At whose end: `the hour`, `the 5 minutes`. */
export const endWords = (interval: TriggerInterval): string => `the ${intervalWords(interval).replace(/^1 /, '')}`

/** `5 or more within 5 minutes, told at once`. */
export function triggerWords(trigger: Trigger): string {
  const limit = count(trigger.trigger_limit ?? 1)
  const within = `within ${intervalWords(intervalOf(trigger))}`
  if (trigger.operator === 'absence') return `fewer than ${limit} ${within}, told at the end`
  const when = trigger.immediate === true ? (trigger.terminal === true ? 'told at once and at the end' : 'told at once') : trigger.terminal === true ? 'told at the end' : 'told never'
  return `${limit} or more ${within}, ${when}`
}

/** `quiet on Sat and Sun, 22:00–06:00 (Europe/Berlin)`; nothing where it is never quiet. */
export function quietWords(blackout: Blackout | undefined): string | undefined {
  if (blackout?.enabled !== true) return undefined
  const days = daysWords(blackout.days ?? [])
  const periods = blackout.times?.enabled === true ? (blackout.times.periods ?? []) : []
  const times = periods.length === 0 ? 'all day' : periods.map(([from = '', to = '']) => `${from}–${to}`).join(' and ')
  return `quiet ${days}, ${times} (${blackout.timezone ?? 'UTC'})`
}

function daysWords(named: readonly string[]): string {
  const days = DAYS.filter((day) => named.includes(day))
  const [first] = days
  const last = days.at(-1)
  if (first === undefined || last === undefined || days.length === DAYS.length) return 'every day'
  const isRow = DAYS.indexOf(last) - DAYS.indexOf(first) === days.length - 1
  if (isRow && days.length > 2) return `${DAY_NAMES[first]} to ${DAY_NAMES[last]}`
  return `on ${andWords(days.map((day) => DAY_NAMES[day]))}`
}

/** `a, b and c`. */
export function andWords(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}

/** The search with its space and region as words of it: Activity's address has no others. */
export function wholeQuery({ q = '', space, region }: Watched): string {
  const scope = [...(space === undefined ? [] : [exactly('record.space', space)]), ...(region === undefined ? [] : [exactly('record.region', region)])]
  return scope.reduce(join, q)
}

/** How often there would have been news in the last day. The first and the last window are not whole, so that nothing can be missing in them. */
export function newsIn(windows: readonly number[], { operator, limit }: { operator: Trigger['operator']; limit: number }): number {
  if (operator === 'presence') return windows.filter((matches) => matches >= limit).length
  // Absence is muted where nothing matched for a day.
  return windows.some((matches) => matches > 0) ? windows.slice(1, -1).filter((matches) => matches < limit).length : 0
}

/** Whether an alert was found by a search, and by which. */
export function searchOfRule(rule: string): string | undefined {
  return rule.startsWith('search:') ? rule.slice('search:'.length) : undefined
}

/** When it tells whomever it tells. */
export function triggersOf({ channels, trigger }: SearchAlertWrite, preset: Pick<TellingPreset, 'channels'> | undefined): Trigger[] {
  if (trigger !== undefined) return [trigger]
  return (channels ?? preset?.channels ?? []).map((told) => told.trigger)
}

/** What was done to alerts on searches and to presets, or to one of them, as a search of the audit log. */
export function searchHistory(id?: string): string {
  return id === undefined ? 'target.typeURI:==="whodid/alert" requestData.kind:==[search,preset]' : join('target.typeURI:==="whodid/alert"', exactly('target.id', id))
}
