/** Which stretch of time a backtest looks at, and its days as a chart has them. */
import type { Backtest, BacktestDay } from '../api/shapes'

export const DAY_MS = 86_400_000

export type Preset = '24h' | '7d' | '30d' | 'custom'
export const PRESETS: readonly [Preset, string][] = [['24h', '24 h'], ['7d', '7 days'], ['30d', '30 days'], ['custom', 'Custom']]
const LENGTHS: Record<Exclude<Preset, 'custom'>, number> = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS }

export interface RangeChoice {
  preset: Preset
  /** ISO; what counts where the preset is `custom`. */
  from: string
  to: string
}

/** Both ends, ISO. */
export interface Range {
  from: string
  to: string
}

/** Both ends as they are at this moment: what is asked, counted and linked is then the same. */
export function rangeOf({ preset, from, to }: RangeChoice, now: number): Range {
  if (preset === 'custom') return { from, to }
  return { from: new Date(now - LENGTHS[preset]).toISOString(), to: new Date(now).toISOString() }
}

/** Why a chosen range cannot be looked at. */
export function rangeWrong({ preset, from, to }: RangeChoice): string | undefined {
  if (preset !== 'custom') return undefined
  const [start, end] = [Date.parse(from), Date.parse(to)]
  if (Number.isNaN(start) || Number.isNaN(end)) return 'Choose when it begins and when it ends.'
  return start < end ? undefined : 'The end must come after the start.'
}

/** The range that was really looked at: it ends where the time ran out. */
export const lookedAt = (range: Range, report: Pick<Backtest, 'stopped_at'>): Range => (report.stopped_at == null ? range : { ...range, to: report.stopped_at })

const lengthMs = ({ from, to }: Range): number => Math.max(0, Date.parse(to) - Date.parse(from))

/** Findings a day over a range; a day begun counts in proportion, but the whole never for less than one. */
export const perDay = (findings: number, range: Range): number => findings / Math.max(1, lengthMs(range) / DAY_MS)

/** How much work findings are, in words: `2.4 a day`, `1 in 5 days`. */
export function noiseText(daily: number): string {
  if (daily <= 0) return 'none'
  if (daily >= 10) return `${Math.round(daily)} a day`
  if (daily >= 0.95) return `${Number(daily.toFixed(1))} a day`
  const every = Math.round(1 / daily)
  return every <= 1 ? '1 a day' : `1 in ${every} days`
}

/** More than this a day, people stop looking. */
export const NOISY_PER_DAY = 24

export interface Bar {
  /** First and last day, `2026-11-20`, UTC. */
  from: string
  to: string
  matches: number
  findings: number
}

const BARS_MAX = 92
/** Days of one bar. */
const STEPS = [1, 7, 28, 91, 364]

const dayName = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Every day of the range, those without a hit too; several in one bar where they are many. */
export function barsOf(days: readonly BacktestDay[], range: Range): Bar[] {
  const first = Math.floor(Date.parse(range.from) / DAY_MS)
  // The end itself is not in the range.
  const last = Math.max(first, Math.floor((Date.parse(range.to) - 1) / DAY_MS))
  const step = STEPS.find((length) => (last - first + 1) / length <= BARS_MAX) ?? Math.ceil((last - first + 1) / BARS_MAX)
  const bars: Bar[] = []
  for (let day = first; day <= last; day += step) bars.push({ from: dayName(day * DAY_MS), to: dayName(Math.min(last, day + step - 1) * DAY_MS), matches: 0, findings: 0 })
  for (const { day, matches, findings } of days) {
    const at = Math.floor((Date.parse(day) / DAY_MS - first) / step)
    const bar = bars[Math.min(bars.length - 1, Math.max(0, at))]
    if (!bar) continue
    bar.matches += matches
    bar.findings += findings
  }
  return bars
}
