/** When of the week something happens. Pure. */
import type { Histogram } from '../api/shapes'
import type { Zone } from './time'

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

/** Events by weekday, Monday first, and hour by the clock on the wall. */
export function weekOf(buckets: Histogram['buckets'], zone: Zone): number[][] {
  const week = WEEKDAYS.map(() => Array.from({ length: 24 }, () => 0))
  for (const bucket of buckets) {
    const time = new Date(bucket.start)
    const day = ((zone === 'utc' ? time.getUTCDay() : time.getDay()) + 6) % 7
    const hour = zone === 'utc' ? time.getUTCHours() : time.getHours()
    const row = week[day]
    if (row) row[hour] = (row[hour] ?? 0) + Object.values(bucket.counts).reduce((sum, one) => sum + one, 0)
  }
  return week
}

/** `Mostly Mon to Fri, 07:00–19:00`: the hours that hold most of it, for whoever reads rather than sees. */
export function weekWords(week: readonly (readonly number[])[]): string {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const total = sum(week.map(sum))
  if (total === 0) return 'Nothing in these days.'
  const hours = Array.from({ length: 24 }, (_, hour) => sum(week.map((day) => day[hour] ?? 0)))
  const days = week.map(sum)
  const often = days.flatMap((value, day) => (value >= total / 20 ? [WEEKDAYS[day] ?? ''] : []))
  let from = 0
  let to = 24
  // The hours at both ends in which next to nothing happens.
  while (from < 23 && sum(hours.slice(0, from + 1)) < total * 0.03) from += 1
  while (to > from + 1 && sum(hours.slice(to - 1)) < total * 0.03) to -= 1
  const span = `${String(from).padStart(2, '0')}:00–${String(to).padStart(2, '0')}:00`
  const runs = often.length === 7 ? 'every day' : often.length > 2 && WEEKDAYS.indexOf(often.at(-1) as (typeof WEEKDAYS)[number]) - WEEKDAYS.indexOf(often[0] as (typeof WEEKDAYS)[number]) === often.length - 1 ? `${often[0] ?? ''} to ${often.at(-1) ?? ''}` : often.join(', ')
  return from === 0 && to === 24 ? `Mostly ${runs}, at all hours.` : `Mostly ${runs}, ${span}.`
}
