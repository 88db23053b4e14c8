/**
 * How many events when, stacked by result. Dragging marks a range and zooms to it, a double click goes
 * back. The arrow keys do the same, and the numbers stand in a table for whoever reads rather than sees.
 */
import { useId, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import type { Histogram } from '../api/shapes'
import { useWidth } from '../ui/hooks'
import { compact, count, events } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { RESULTS, type Result } from './event'
import { niceCeiling, pointText, ticks } from './ticks'
import { durationMs, lengthText } from './time'

const HEIGHT = 84
const AXIS = 18
const DRAG_MIN = 4

interface HistogramChartProps {
  data: Histogram
  stale: boolean
  onZoom: (from: string, to: string) => void
  onBack: () => void
  onResult: (result: Result) => void
}

export function HistogramChart({ data, stale, onZoom, onBack, onResult }: HistogramChartProps) {
  const { zone } = usePrefs()
  const [box, width] = useWidth()
  const [hover, setHover] = useState<number | undefined>()
  const [cursor, setCursor] = useState<{ from: number; to: number } | undefined>()
  const [drag, setDrag] = useState<{ from: number; to: number } | undefined>()
  const dragStart = useRef<number | undefined>(undefined)
  const [table, setTable] = useState(false)
  const id = useId()

  const buckets = data.buckets
  const step = durationMs(data.interval)
  const totals = buckets.map((bucket) => Object.values(bucket.counts).reduce((sum, value) => sum + value, 0))
  const top = niceCeiling(Math.max(1, ...totals))
  const first = Date.parse(buckets[0]?.start ?? data.from)
  const span = Math.max(step, step * buckets.length)
  const slot = buckets.length > 0 ? width / buckets.length : width
  const gap = slot > 6 ? 1.5 : slot > 3 ? 1 : 0
  const byResult = RESULTS.map((result) => [result, buckets.reduce((sum, bucket) => sum + (bucket.counts[result] ?? 0), 0)] as const).filter(([, value]) => value > 0)
  const peak = totals.indexOf(Math.max(...totals))

  const timeAt = (x: number): number => first + (Math.max(0, Math.min(width, x)) / Math.max(1, width)) * span
  const bucketAt = (x: number): number => Math.max(0, Math.min(buckets.length - 1, Math.floor(x / slot)))
  const iso = (time: number): string => new Date(Math.round(time)).toISOString()
  // The first and last bar may reach beyond the range; the zoom does not.
  const rangeOfBuckets = (from: number, to: number): [string, string] => {
    const [low, high] = from <= to ? [from, to] : [to, from]
    return [iso(Math.max(first + low * step, Date.parse(data.from))), iso(Math.min(first + (high + 1) * step, Date.parse(data.to)))]
  }
  const zoomBuckets = (from: number, to: number): void => onZoom(...rangeOfBuckets(from, to))
  // Whole bars where they are wide enough to be meant.
  const rangeOfDrag = (from: number, to: number): [string, string] => (slot >= 5 ? rangeOfBuckets(bucketAt(from), bucketAt(to)) : [iso(timeAt(Math.min(from, to))), iso(timeAt(Math.max(from, to)))])
  const place = (event: PointerEvent): number => event.clientX - (box.current?.getBoundingClientRect().left ?? 0)

  const onPointerDown = (event: PointerEvent<SVGSVGElement>): void => {
    if (event.button !== 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    dragStart.current = place(event)
  }
  const onPointerMove = (event: PointerEvent): void => {
    const x = place(event)
    setHover(bucketAt(x))
    if (dragStart.current !== undefined && Math.abs(x - dragStart.current) >= DRAG_MIN) setDrag({ from: dragStart.current, to: x })
  }
  const onPointerUp = (event: PointerEvent): void => {
    const start = dragStart.current
    dragStart.current = undefined
    setDrag(undefined)
    const x = place(event)
    if (start === undefined || Math.abs(x - start) < DRAG_MIN) return
    onZoom(...rangeOfDrag(start, x))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const last = buckets.length - 1
    if (move !== 0) {
      setCursor((now) => {
        if (!now) return move > 0 ? { from: 0, to: 0 } : { from: last, to: last }
        const to = Math.max(0, Math.min(last, now.to + move))
        return event.shiftKey ? { ...now, to } : { from: to, to }
      })
    } else if (event.key === 'Home' || event.key === 'End') {
      const to = event.key === 'Home' ? 0 : last
      setCursor((now) => (event.shiftKey && now ? { ...now, to } : { from: to, to }))
    } else if (event.key === 'Enter' && cursor) {
      setCursor(undefined)
      zoomBuckets(cursor.from, cursor.to)
    } else if (event.key === 'Escape' && cursor) setCursor(undefined)
    else if (event.key === 'Backspace') onBack()
    else return
    event.preventDefault()
  }

  const bucketText = (index: number): string => {
    const bucket = buckets[index]
    if (!bucket) return ''
    const parts = RESULTS.flatMap((result) => ((bucket.counts[result] ?? 0) > 0 ? [`${count(bucket.counts[result] ?? 0)} ${result}`] : []))
    return `${pointText(bucket.start, zone)}, ${lengthText(step)}: ${parts.length > 0 ? parts.join(', ') : 'no events'}`
  }
  const marked = cursor
    ? cursor.from === cursor.to
      ? bucketText(cursor.to)
      : `${Math.abs(cursor.to - cursor.from) + 1} bars marked, ${events(totals.slice(Math.min(cursor.from, cursor.to), Math.max(cursor.from, cursor.to) + 1).reduce((sum, value) => sum + value, 0))}`
    : ''
  const summary =
    data.total === 0
      ? 'No events in this range.'
      : `${events(data.total)} between ${pointText(data.from, zone)} and ${pointText(data.to, zone)}, in bars of ${lengthText(step)}: ${byResult.map(([result, value]) => `${count(value)} ${result}`).join(', ')}. Most, ${count(totals[peak] ?? 0)}, from ${pointText(buckets[peak]?.start ?? data.from, zone)}.`
  const selection = drag ? { x: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from) } : cursor ? { x: Math.min(cursor.from, cursor.to) * slot, width: (Math.abs(cursor.to - cursor.from) + 1) * slot } : undefined
  const shownBucket = drag ? undefined : (hover ?? cursor?.to)

  return (
    <section className={`histogram${stale ? ' stale' : ''}`} aria-label="Events over time">
      <div className="histogram-head">
        <ul className="legend" aria-label="Results in this range">
          {byResult.map(([result, value]) => (
            <li key={result}>
              <button type="button" onClick={() => onResult(result)} title={`Filter: ${result}`}>
                <span className={`swatch fill-${result}`} aria-hidden />
                {result} <strong>{compact(value)}</strong>
              </button>
            </li>
          ))}
        </ul>
        <span className="muted small histogram-hint">
          {drag
            ? rangeOfDrag(drag.from, drag.to).map((point) => pointText(point, zone)).join(' – ')
            : shownBucket !== undefined
              ? bucketText(shownBucket)
              : buckets.length > 1
                ? `${lengthText(step)} a bar · drag to zoom, double click to go back`
                : ''}
        </span>
        <button type="button" className="link-button" aria-expanded={table} aria-controls={`${id}-table`} onClick={() => setTable(!table)}>
          {table ? 'Hide table' : 'As table'}
        </button>
      </div>
      <p className="visually-hidden" id={`${id}-text`}>
        {summary}
      </p>
      <div
        ref={box}
        className="histogram-plot"
        role="application"
        aria-roledescription="histogram"
        aria-label="Events over time. Arrow keys move between bars, Shift marks several, Enter zooms, Backspace goes back."
        aria-describedby={`${id}-text`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(undefined)}
      >
        <svg
          width={width}
          height={HEIGHT + AXIS}
          aria-hidden
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerLeave={() => setHover(undefined)}
          onPointerCancel={() => {
            dragStart.current = undefined
            setDrag(undefined)
          }}
          onDoubleClick={onBack}
        >
          <rect width={width} height={HEIGHT} className="plot-ground" />
          {[0.5, 1].map((part) => (
            <g key={part}>
              <line x1={0} x2={width} y1={HEIGHT - part * (HEIGHT - 8)} y2={HEIGHT - part * (HEIGHT - 8)} className="gridline" />
            </g>
          ))}
          {shownBucket !== undefined && <rect x={shownBucket * slot} width={slot} height={HEIGHT} className="bucket-hover" />}
          {buckets.map((bucket, index) => (
            <Bar key={bucket.start} counts={bucket.counts} x={index * slot + gap / 2} width={Math.max(0.75, slot - gap)} top={top} />
          ))}
          <line x1={0} x2={width} y1={HEIGHT} y2={HEIGHT} className="axis" />
          <text x={3} y={18} className="axis-text axis-count">
            {compact(top)}
          </text>
          {width > 0 &&
            ticks(first, span, width, zone).map((tick) => (
              <text key={tick.x} x={tick.x} y={HEIGHT + 13} className="axis-text" textAnchor={tick.x > width - 40 ? 'end' : tick.x < 40 ? 'start' : 'middle'}>
                {tick.label}
              </text>
            ))}
          {selection && <rect x={selection.x} width={selection.width} height={HEIGHT} className="brush" />}
        </svg>
      </div>
      <p className="visually-hidden" aria-live="polite">
        {marked}
      </p>
      {table && (
        <div className="histogram-table" id={`${id}-table`} tabIndex={0} role="region" aria-label="Events over time, as a table">
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                {RESULTS.map((result) => (
                  <th key={result} scope="col">
                    {result}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {buckets.map((bucket, index) =>
                (totals[index] ?? 0) === 0 ? null : (
                  <tr key={bucket.start}>
                    <th scope="row">
                      <button type="button" className="link-button" onClick={() => zoomBuckets(index, index)}>
                        {pointText(bucket.start, zone)}
                      </button>
                    </th>
                    {RESULTS.map((result) => (
                      <td key={result}>{count(bucket.counts[result] ?? 0)}</td>
                    ))}
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Bar({ counts, x, width, top }: { counts: Record<string, number>; x: number; width: number; top: number }) {
  const parts: { result: Result; y: number; height: number }[] = []
  for (const result of RESULTS) {
    const value = counts[result] ?? 0
    if (value === 0) continue
    // A single refusal among thousands must still be seen.
    const height = Math.max(1.5, (value / top) * (HEIGHT - 8))
    parts.push({ result, height, y: Math.max(0, (parts.at(-1)?.y ?? HEIGHT) - height) })
  }
  return (
    <>
      {parts.map(({ result, y, height }) => (
        <rect key={result} x={x} y={y} width={width} height={height} className={`fill-${result}`} />
      ))}
    </>
  )
}
