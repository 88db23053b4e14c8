/** The axes of charts over time. Pure. */
import { clock, type Zone } from './time'

/** The next number that reads well on an axis. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((candidate) => candidate >= value && Number.isInteger(candidate)) ?? value
}

/** `20 Nov 10:42`; with seconds where there are any. */
export function pointText(iso: string, zone: Zone): string {
  const { day, time } = clock(iso, zone, false)
  return `${day} ${time.endsWith(':00') ? time.slice(0, 5) : time}`
}

const MINUTE = 60_000
const TICK_STEPS = [1, 5, 15, 30].map((s) => s * 1000).concat([1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10_080, 43_200].map((m) => m * MINUTE))

/** Where an axis is labelled, by the clock on the wall. */
export function ticks(first: number, span: number, width: number, zone: Zone): { x: number; label: string }[] {
  const wanted = Math.max(2, Math.floor(width / 110))
  const step = TICK_STEPS.find((candidate) => span / candidate <= wanted) ?? span / wanted
  const shift = (time: number): number => (zone === 'utc' ? 0 : new Date(time).getTimezoneOffset() * MINUTE)
  const found: { x: number; label: string }[] = []
  // Steps of the wall's clock, each with the shift of its own day: summer time may begin or end between them.
  for (let wall = Math.ceil((first - shift(first)) / step) * step; ; wall += step) {
    const time = wall + shift(wall + shift(wall))
    if (time >= first + span) break
    const { day, time: hour } = clock(new Date(time).toISOString(), zone, false)
    const label = step >= 1440 * MINUTE || hour === '00:00:00' ? day : step < MINUTE ? hour : hour.slice(0, 5)
    found.push({ x: Math.round(((time - first) / span) * width), label })
  }
  return found
}
