/**
 * When insights were: a lane for each kind, what is over as a bar, what goes on fading out at now. Dragging marks a range
 * and zooms to it, a double click goes back, a click opens. The same by keys; the list below it is the table of it.
 */
import { useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import { visible } from '../activity/event'
import { pointText, ticks } from '../activity/ticks'
import { zoneName } from '../activity/time'
import type { Insight } from '../api/shapes'
import { useWidth } from '../ui/hooks'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { KIND_NAMES, KINDS } from './kinds'
import { severityOf } from './Marks'
import { lanesOf, type Span } from './lanes'
import { isExpected, lasted } from './words'

const ROW = 13
const GAP = 4
const PAD = 7
const AXIS = 18
const BAR_PX_MIN = 7
const DRAG_MIN = 4

interface TimelineProps {
  insights: readonly Insight[]
  /** How many there are in the range; those that are shown may be the latest of them only. */
  total: number
  span: Span
  now: number
  isStale: boolean
  onOpen: (id: string) => void
  onZoom: (from: string, to: string) => void
  onBack: () => void
}

export function Timeline({ insights, total, span, now, isStale, onOpen, onZoom, onBack }: TimelineProps) {
  const { zone } = usePrefs()
  const id = useId()
  const [box, width] = useWidth()
  const [hover, setHover] = useState<string | undefined>()
  const [cursor, setCursor] = useState<string | undefined>()
  const [drag, setDrag] = useState<{ from: number; to: number } | undefined>()
  const begun = useRef<number | undefined>(undefined)
  const lanes = useMemo(() => lanesOf(KIND_NAMES, insights, span, now, BAR_PX_MIN / Math.max(1, width)), [insights, span, now, width])
  const heights = lanes.map((lane) => lane.rows.length * (ROW + GAP) - GAP + 2 * PAD)
  const tops = heights.map((_, at) => heights.slice(0, at).reduce((sum, height) => sum + height, 0))
  const height = heights.reduce((sum, one) => sum + one, 0)
  const inTime = useMemo(() => [...insights].sort((a, b) => Date.parse(a.start) - Date.parse(b.start)), [insights])
  const shown = insights.find((insight) => insight.id === (hover ?? cursor))
  const whole = span.to - span.from
  const iso = (x: number): string => new Date(Math.round(span.from + (Math.max(0, Math.min(width, x)) / Math.max(1, width)) * whole)).toISOString()
  const place = (event: PointerEvent): number => event.clientX - (box.current?.getBoundingClientRect().left ?? 0)
  const range = drag && [iso(Math.min(drag.from, drag.to)), iso(Math.max(drag.from, drag.to))]
  const nowX = ((now - span.from) / Math.max(1, whole)) * width

  const onPointerUp = (event: PointerEvent): void => {
    const start = begun.current
    begun.current = undefined
    setDrag(undefined)
    const x = place(event)
    if (start === undefined) return
    if (Math.abs(x - start) >= DRAG_MIN) onZoom(iso(Math.min(start, x)), iso(Math.max(start, x)))
    else if (hover !== undefined) onOpen(hover)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = inTime.findIndex((insight) => insight.id === cursor)
    if (event.key === 'ArrowRight') setCursor(inTime[Math.min(inTime.length - 1, at + 1)]?.id)
    else if (event.key === 'ArrowLeft') setCursor(inTime[at < 0 ? inTime.length - 1 : Math.max(0, at - 1)]?.id)
    else if (event.key === 'Home') setCursor(inTime[0]?.id)
    else if (event.key === 'End') setCursor(inTime.at(-1)?.id)
    else if (event.key === 'Enter' && cursor !== undefined) onOpen(cursor)
    else if (event.key === '+') {
      // Closer, around the one that is marked.
      const middle = shown ? Date.parse(shown.start) : span.from + whole / 2
      onZoom(new Date(middle - whole / 4).toISOString(), new Date(Math.min(now, middle + whole / 4)).toISOString())
    } else if (event.key === '-' || event.key === 'Backspace') onBack()
    else return
    event.preventDefault()
  }
  const words = (insight: Insight): string => `${KINDS[insight.insight_type].title}, ${insight.severity}: ${visible(insight.sentence)}. From ${pointText(insight.start, zone)}, ${insight.state === 'open' ? 'goes on' : `for ${lasted(insight, now)}`}.`
  const open = insights.filter((insight) => insight.state === 'open').length
  return (
    <section className={`insight-timeline${isStale ? ' stale' : ''}`} aria-label="Insights over time">
      <p className="visually-hidden" id={`${id}-text`}>
        {insights.length} {insights.length === 1 ? 'insight' : 'insights'} between {pointText(new Date(span.from).toISOString(), zone)} and {pointText(new Date(span.to).toISOString(), zone)}, {open} of them {open === 1 ? 'goes' : 'go'} on. {lanes.map((lane) => `${KINDS[lane.kind].title}: ${lane.rows.flat().length}`).join(', ')}. The list below has each.
      </p>
      <div className="timeline-names" aria-hidden>
        {lanes.map((lane, at) => {
          const { title, Icon } = KINDS[lane.kind]
          return (
            <span key={lane.kind} style={{ blockSize: heights[at] }} title={title}>
              <Icon size={13} /> <span className="timeline-name">{title}</span>
            </span>
          )
        })}
      </div>
      <div
        ref={box}
        className="timeline-plot"
        role="application"
        aria-roledescription="timeline"
        aria-label="Insights over time. Arrow keys move between insights, Enter opens one, plus zooms in, minus goes back."
        aria-describedby={`${id}-text`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(undefined)}
      >
        <svg
          width={width}
          height={height + AXIS}
          aria-hidden
          onPointerDown={(event) => {
            if (event.button !== 0) return
            event.currentTarget.setPointerCapture(event.pointerId)
            begun.current = place(event)
          }}
          onPointerMove={(event) => {
            const x = place(event)
            if (begun.current !== undefined && Math.abs(x - begun.current) >= DRAG_MIN) setDrag({ from: begun.current, to: x })
            else if (begun.current === undefined) setHover(event.target instanceof SVGElement ? event.target.dataset.bar : undefined)
          }}
          onPointerUp={onPointerUp}
          onPointerLeave={() => setHover(undefined)}
          onPointerCancel={() => {
            begun.current = undefined
            setDrag(undefined)
          }}
          onDoubleClick={onBack}
        >
          <defs>
            {(['critical', 'warning', 'normal'] as const).map((severity) => (
              <linearGradient key={severity} id={`${id}-${severity}`} className={`fade-${severity}`}>
                <stop offset="0%" stopColor="currentColor" />
                <stop offset="60%" stopColor="currentColor" />
                <stop offset="100%" stopColor="currentColor" stopOpacity={0.12} />
              </linearGradient>
            ))}
          </defs>
          <rect width={width} height={height} className="plot-ground" />
          {lanes.map((lane, at) => (
            <g key={lane.kind}>
              {at > 0 && <line x1={0} x2={width} y1={tops[at]} y2={tops[at]} className="lane-line" />}
              {lane.rows.map((row, index) =>
                row.map((bar) => {
                  const severity = severityOf(bar.insight)
                  const y = (tops[at] ?? 0) + PAD + index * (ROW + GAP)
                  const isMarked = shown?.id === bar.insight.id
                  return (
                    <g key={bar.insight.id}>
                      {isMarked && <rect x={bar.x * width - 2.5} y={y - 2.5} width={bar.width * width + 5} height={ROW + 5} rx={5} className="bar-marked" />}
                      <rect
                        data-bar={bar.insight.id}
                        x={bar.x * width}
                        y={y}
                        width={bar.width * width}
                        height={ROW}
                        rx={3}
                        className={`insight-bar bar-${severity}${isExpected(bar.insight) ? ' is-expected' : ''}`}
                        {...(bar.goesOn ? { fill: `url(#${id}-${severity})`, 'data-open': true } : {})}
                      />
                      <rect x={bar.x * width} y={y} width={2.5} height={ROW} rx={1} className={`bar-start bar-${severity}`} pointerEvents="none" />
                    </g>
                  )
                }),
              )}
            </g>
          ))}
          {nowX >= 0 && nowX <= width + 1 && <line x1={Math.min(nowX, width - 0.5)} x2={Math.min(nowX, width - 0.5)} y1={0} y2={height} className="now-line" />}
          <line x1={0} x2={width} y1={height} y2={height} className="axis" />
          {width > 0 &&
            ticks(span.from, whole, width, zone).map((tick) => (
              <text key={tick.x} x={tick.x} y={height + 13} className="axis-text" textAnchor={tick.x > width - 40 ? 'end' : tick.x < 40 ? 'start' : 'middle'}>
                {tick.label}
              </text>
            ))}
          {drag && <rect x={Math.min(drag.from, drag.to)} width={Math.abs(drag.to - drag.from)} height={height} className="brush" />}
        </svg>
      </div>
      {total > insights.length && (
        <p className="timeline-part small">
          The latest {count(insights.length)} of {count(total)}; “Older” at the end of the list brings more.
        </p>
      )}
      <p className="timeline-hint muted small" aria-live={cursor === undefined ? 'off' : 'polite'}>
        {range ? range.map((point) => pointText(point, zone)).join(' – ') : shown ? words(shown) : `Times in ${zoneName(zone)}. Drag to zoom, double click to go back.`}
      </p>
    </section>
  )
}
