/** Where insights lie on a line of time. Pure. */
import { pointMs } from '../activity/time'
import type { Insight, InsightType } from '../api/shapes'

export interface Span {
  from: number
  to: number
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** The range of an address in milliseconds. What only the server reads, and all of time, begin where the insights do. */
export function spanOf(from: string, to: string | undefined, insights: readonly Pick<Insight, 'start'>[], now: number): Span {
  const end = pointMs(to) ?? now
  const ago = /^now-(\d+)([smhdw])$/.exec(from)
  const stated = ago ? now - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0) : pointMs(from)
  if (stated !== undefined) return { from: stated, to: end }
  const first = Math.min(end - 3_600_000, ...insights.map(({ start }) => Date.parse(start)))
  return { from: first - (end - first) * 0.03, to: end }
}

export interface Bar {
  insight: Insight
  /** 0 to 1 of the span. */
  x: number
  width: number
  goesOn: boolean
}

export interface Lane {
  kind: InsightType
  /** Bars that lie beside each other, row by row. */
  rows: Bar[][]
}

const GAP = 0.004
const ROWS_MAX = 4

/** A lane for each kind that has any, in the order of `kinds`; what overlaps stands in rows below each other. `least`: the shortest bar. */
export function lanesOf(kinds: readonly InsightType[], insights: readonly Insight[], span: Span, now: number, least: number): Lane[] {
  const whole = Math.max(1, span.to - span.from)
  return kinds.flatMap((kind) => {
    const bars = insights
      .filter((insight) => insight.insight_type === kind)
      .map((insight): Bar => {
        const goesOn = insight.state === 'open'
        const start = Date.parse(insight.start)
        const end = Math.min(span.to, goesOn ? now : Date.parse(insight.end ?? insight.until))
        const width = Math.max(least, (end - Math.max(start, span.from)) / whole)
        return { insight, x: Math.min(1 - width, Math.max(0, (start - span.from) / whole)), width, goesOn }
      })
      .sort((a, b) => a.x - b.x)
    if (bars.length === 0) return []
    const rows: Bar[][] = []
    for (const bar of bars) {
      const free = rows.find((row) => (row.at(-1)?.x ?? 0) + (row.at(-1)?.width ?? 0) + GAP <= bar.x)
      if (free) free.push(bar)
      else if (rows.length < ROWS_MAX) rows.push([bar])
      // More at once than there is room for lie upon each other.
      else rows[ROWS_MAX - 1]?.push(bar)
    }
    return [{ kind, rows }]
  })
}
