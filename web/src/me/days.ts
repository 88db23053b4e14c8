/** Events day by day, in the zone that times are shown in. */
import type { Zone } from '../activity/time'
import type { AuditEvent } from '../api/shapes'

export interface Day {
  key: string
  label: string
  events: AuditEvent[]
}

const DAY_MS = 86_400_000

function dayKey(time: number, zone: Zone): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone === 'utc' ? 'UTC' : undefined, year: 'numeric', month: '2-digit', day: '2-digit' }).format(time)
}

export function dayLabel(time: number, zone: Zone, now: number): string {
  const name = new Intl.DateTimeFormat('en-GB', { timeZone: zone === 'utc' ? 'UTC' : undefined, weekday: 'long', day: 'numeric', month: 'long', ...(new Date(time).getUTCFullYear() === new Date(now).getUTCFullYear() ? {} : { year: 'numeric' }) }).format(time).replace(',', '')
  const key = dayKey(time, zone)
  return key === dayKey(now, zone) ? `Today, ${name}` : key === dayKey(now - DAY_MS, zone) ? `Yesterday, ${name}` : name
}

export function byDay(events: readonly AuditEvent[], zone: Zone, now: number): Day[] {
  const days: Day[] = []
  for (const event of events) {
    const time = Date.parse(event.eventTime)
    const key = dayKey(time, zone)
    const last = days.at(-1)
    if (last?.key === key) last.events.push(event)
    else days.push({ key, label: dayLabel(time, zone, now), events: [event] })
  }
  return days
}
