/** Days as rows: those that have events, newest first, and between them those that have none, since silence tells too. */
import type { Day } from '../api/shapes'
import { DAY_MS, daysAfter, dayStart } from './span'

export type DayRow = { day: Day } | { from: string; to: string; silent: number }

/** `days`: in order, each within `from` and `to`. */
export function dayRows(days: readonly Day[], from: string, to: string): DayRow[] {
  const rows: DayRow[] = []
  const silence = (first: string, last: string): void => {
    const silent = Math.round(((dayStart(last) ?? 0) - (dayStart(first) ?? 0)) / DAY_MS) + 1
    if (silent > 0) rows.push({ from: first, to: last, silent })
  }
  let next = from
  for (const day of days) {
    silence(next, daysAfter(day.date, -1))
    rows.push({ day })
    next = daysAfter(day.date, 1)
  }
  silence(next, to)
  return rows.reverse()
}

export interface Sum {
  count: number
  bytes: number
}

export function sumOf(days: readonly Day[]): Sum {
  return days.reduce((sum, day) => ({ count: sum.count + day.count, bytes: sum.bytes + day.bytes }), { count: 0, bytes: 0 })
}
