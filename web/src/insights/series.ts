/** The lines of a chart against what is usual, and the chart in a sentence. Pure. */
import type { Insight, InsightSeries } from '../api/shapes'
import { count } from '../ui/number'
import { rough, windowWords } from './words'

type Point = InsightSeries['points'][number]

/** Steps of one width; `y` places a value. */
export function pathsOf(points: readonly Point[], step: number, y: (value: number) => number): { line: string; band: string; expected: string } {
  const place = (at: number): string => ((at + 0.5) * step).toFixed(1)
  const through = (value: (point: Point) => number): string => points.map((point, at) => `${at === 0 ? 'M' : 'L'}${place(at)} ${y(value(point)).toFixed(1)}`).join('')
  const upper = points.map((point, at) => `L${place(at)} ${y(point.upper).toFixed(1)}`).join('')
  const ground = y(0).toFixed(1)
  return {
    line: through((point) => point.count),
    expected: through((point) => point.expected),
    band: points.length === 0 ? '' : `M${place(0)} ${ground}${upper}L${place(points.length - 1)} ${ground}Z`,
  }
}

/** What a chart shows, for whoever reads rather than sees. */
export function bandSummary({ points, period }: InsightSeries, insight: Pick<Insight, 'start' | 'end'>, counted: string, at: (iso: string) => string): string {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return 'Nothing was counted.'
  const [start, end] = [Date.parse(insight.start), insight.end == null ? Infinity : Date.parse(insight.end)]
  const within = points.filter((point) => Date.parse(point.at) + period * 1000 > start && Date.parse(point.at) < end)
  const peak = within.reduce<Point | undefined>((most, point) => (most === undefined || point.count > most.count ? point : most), undefined)
  const above = within.filter((point) => point.count > point.upper).length
  const range = `${counted} in ${windowWords(period / 60)}, from ${at(first.at)} to ${at(last.at)}.`
  if (!peak) return `${range} None of them lies within the insight.`
  return `${range} In the insight, ${above} of ${within.length} ${within.length === 1 ? 'count is' : 'counts are'} above what is usual. The most is ${count(peak.count)}, at ${at(peak.at)}: ${rough(peak.expected)} expected, ${rough(peak.upper)} usual at most.`
}
