/** What was counted against what was expected: the line, the band of what is usual, and the insight shaded. */
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { niceCeiling, pointText, ticks } from '../activity/ticks'
import { zoneName } from '../activity/time'
import { Problem } from '../api/problem'
import type { Insight, InsightSeries } from '../api/shapes'
import { useDelayed, useWidth } from '../ui/hooks'
import { compact, count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { bandSummary, pathsOf } from './series'
import { useInsightSeries } from './queries'
import { countedWords, rough, windowWords } from './words'

const PERIODS = [[60, '1 min'], [300, '5 min'], [3600, '1 h']] as const
const HEIGHT = 190
const AXIS = 18
const TOP = 10

export function Band({ insight, period }: { insight: Insight; period: 60 | 300 | 3600 }) {
  const series = useInsightSeries(insight.id, { period }, insight.state === 'ended')
  const navigate = useNavigate()
  const waiting = useDelayed(series.isPending)
  const stale = useDelayed(series.isPlaceholderData)
  // Of facts nothing was counted; why they are told stands below.
  if ((series.error instanceof Problem && series.error.status === 404) || series.data?.points.length === 0) return null
  return (
    <section className="alert-part band" aria-labelledby={`band-${insight.id}`}>
      <div className="panel-head">
        <h3 id={`band-${insight.id}`}>Against what is usual</h3>
        <span className="spring" />
        <div className="segmented" role="group" aria-label="Counted by">
          {PERIODS.map(([seconds, label]) => (
            <button key={seconds} type="button" aria-pressed={seconds === period} onClick={() => void navigate({ to: '.', search: (now) => ({ ...now, period: seconds === 300 ? undefined : String(seconds) }), replace: true })}>
              {label}
            </button>
          ))}
        </div>
      </div>
      {series.data ? (
        <Chart data={series.data} insight={insight} isStale={stale} />
      ) : series.isError ? (
        <p className="warn small">
          The chart did not come: {series.error.message}{' '}
          <button type="button" className="link-button" onClick={() => void series.refetch()}>
            Try again
          </button>
        </p>
      ) : (
        <div className={`band-bones${waiting ? ' drawn' : ''}`} aria-hidden />
      )}
    </section>
  )
}

function Chart({ data, insight, isStale }: { data: InsightSeries; insight: Insight; isStale: boolean }) {
  const { zone } = usePrefs()
  const id = useId()
  const [box, width] = useWidth()
  const [at, setAt] = useState<number | undefined>()
  const [isTable, setIsTable] = useState(false)
  const { points, period } = data
  const first = Date.parse(points[0]?.at ?? insight.start)
  const span = Math.max(1, points.length) * period * 1000
  const top = niceCeiling(Math.max(4, ...points.map((point) => Math.max(point.count, point.upper))))
  const x = (time: number): number => ((time - first) / span) * width
  const y = (value: number): number => HEIGHT - (value / top) * (HEIGHT - TOP)
  const { line, band, expected } = pathsOf(points, width / Math.max(1, points.length), y)
  const episodes = data.episodes.length > 0 ? data.episodes : [{ id: insight.id, start: insight.start, end: insight.end }]
  const shown = at === undefined ? undefined : points[at]
  const counted = countedWords(insight.insight_type)
  /** `calls in 5 minutes`. */
  const unit = `${counted} in ${windowWords(period / 60)}`
  const words = (point: InsightSeries['points'][number]): string => `${pointText(point.at, zone)}: ${count(point.count)} ${counted}, expected ${rough(point.expected)}, usual up to ${rough(point.upper)}`
  return (
    <div className={isStale ? 'stale' : ''}>
      <div className="band-legend small">
        <span>
          <i className="legend-line" aria-hidden /> counted
        </span>
        <span>
          <i className="legend-expected" aria-hidden /> expected
        </span>
        <span>
          <i className="legend-band" aria-hidden /> usual
        </span>
        <span>
          <i className="legend-episode" aria-hidden /> this insight
        </span>
        <span className="spring" />
        <span className="muted">
          {unit}, times in {zoneName(zone)}
        </span>
      </div>
      <p className="visually-hidden" id={`${id}-text`} data-band-summary>
        {bandSummary(data, insight, counted, (iso) => pointText(iso, zone))}
      </p>
      <div
        ref={box}
        className="band-plot"
        role="application"
        aria-roledescription="chart"
        aria-label="Counts against what is usual. Arrow keys move between points."
        aria-describedby={`${id}-text`}
        tabIndex={0}
        onBlur={() => setAt(undefined)}
        onKeyDown={(event) => {
          const last = points.length - 1
          const next = event.key === 'ArrowRight' ? Math.min(last, (at ?? -1) + 1) : event.key === 'ArrowLeft' ? Math.max(0, (at ?? points.length) - 1) : event.key === 'Home' ? 0 : event.key === 'End' ? last : undefined
          if (next === undefined) return
          setAt(next)
          event.preventDefault()
        }}
      >
        <svg
          width={width}
          height={HEIGHT + AXIS}
          aria-hidden
          onPointerMove={(event) => {
            const place = event.clientX - (box.current?.getBoundingClientRect().left ?? 0)
            setAt(Math.max(0, Math.min(points.length - 1, Math.floor((place / Math.max(1, width)) * points.length))))
          }}
          onPointerLeave={() => setAt(undefined)}
        >
          {episodes.map((episode) => {
            const [from, to] = [Math.max(0, x(Date.parse(episode.start))), Math.min(width, x(episode.end == null ? first + span : Date.parse(episode.end)))]
            return to <= from ? null : <rect key={episode.id} x={from} width={Math.max(2, to - from)} y={0} height={HEIGHT} className={`episode${episode.id === insight.id ? '' : ' is-other'}`} />
          })}
          {[0.5, 1].map((part) => (
            <line key={part} x1={0} x2={width} y1={y(top * part)} y2={y(top * part)} className="gridline" />
          ))}
          <path d={band} className="band-area" />
          <path d={expected} className="band-expected" />
          <path d={line} className="band-line" />
          {points.map((point, index) => (point.count > point.upper && x(Date.parse(point.at)) >= x(Date.parse(insight.start)) - width / points.length && points.length <= 420 ? <circle key={point.at} cx={((index + 0.5) * width) / points.length} cy={y(point.count)} r={2.6} className="band-above" /> : null))}
          {at !== undefined && shown && (
            <>
              <line x1={((at + 0.5) * width) / points.length} x2={((at + 0.5) * width) / points.length} y1={0} y2={HEIGHT} className="band-cursor" />
              <circle cx={((at + 0.5) * width) / points.length} cy={y(shown.count)} r={3.5} className="band-point" />
            </>
          )}
          <line x1={0} x2={width} y1={HEIGHT} y2={HEIGHT} className="axis" />
          {[0.5, 1].map((part) => (
            <text key={part} x={3} y={y(top * part) + 11} className="axis-text axis-count">
              {compact(top * part)}
              {part === 1 && ` ${counted}`}
            </text>
          ))}
          {width > 0 &&
            ticks(first, span, width, zone).map((tick) => (
              <text key={tick.x} x={tick.x} y={HEIGHT + 13} className="axis-text" textAnchor={tick.x > width - 40 ? 'end' : tick.x < 40 ? 'start' : 'middle'}>
                {tick.label}
              </text>
            ))}
        </svg>
      </div>
      <div className="band-foot">
        <button type="button" className="link-button" aria-expanded={isTable} aria-controls={`${id}-table`} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'Hide table' : 'As table'}
        </button>
        <p className="muted small tabular" aria-live="polite">
          {shown && words(shown)}
        </p>
      </div>
      {isTable && (
        <div className="histogram-table" id={`${id}-table`} tabIndex={0} role="region" aria-label="Counts against what is usual, as a table">
          <table>
            <thead>
              <tr>
                <th scope="col">From ({zoneName(zone)})</th>
                <th scope="col">{unit}</th>
                <th scope="col">Expected</th>
                <th scope="col">Usual up to</th>
              </tr>
            </thead>
            <tbody>
              {points.map((point) => (
                <tr key={point.at} className={point.count > point.upper ? 'is-above' : ''}>
                  <th scope="row">{pointText(point.at, zone)}</th>
                  <td>{count(point.count)}</td>
                  <td>{rough(point.expected)}</td>
                  <td>{rough(point.upper)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
