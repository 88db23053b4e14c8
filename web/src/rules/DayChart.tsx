/** Matches and findings a day. What is drawn stands in a table too. */
import { useId, useState } from 'react'
import { useWidth } from '../ui/hooks'
import { count } from '../ui/number'
import type { Bar } from './backtestRange'

const HEIGHT = 72
const dayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })

const dayText = ({ from, to }: Bar): string => (from === to ? dayFormat.format(new Date(from)) : dayFormat.formatRange(new Date(from), new Date(to)).replace(/\s–\s/, '–'))

export function DayChart({ bars }: { bars: Bar[] }) {
  const id = useId()
  const [box, width] = useWidth()
  const [isTable, setIsTable] = useState(false)
  const [hover, setHover] = useState<number | undefined>()
  const top = Math.max(1, ...bars.map((bar) => bar.matches))
  const slot = width / Math.max(1, bars.length)
  const gap = slot > 8 ? 2 : slot > 3 ? 1 : 0
  const thickness = Math.min(36, Math.max(1, slot - gap))
  const height = (value: number): number => (value === 0 ? 0 : Math.max(2, (value / top) * HEIGHT))
  const shown = hover === undefined ? undefined : bars[hover]
  const [first, last] = [bars[0], bars.at(-1)]
  const each = bars.some((bar) => bar.from !== bar.to) ? 'A bar is several days' : 'UTC days'
  return (
    <figure className="day-chart">
      <figcaption>
        <h3>{bars.some((bar) => bar.from !== bar.to) ? 'Over time' : 'Each day'}</h3>
        <span className="muted small day-chart-said">{shown ? `${dayText(shown)}: ${count(shown.matches)} ${shown.matches === 1 ? 'match' : 'matches'}, ${count(shown.findings)} ${shown.findings === 1 ? 'finding' : 'findings'}` : each}</span>
        <button type="button" className="link-button" aria-expanded={isTable} aria-controls={`${id}-table`} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'As chart' : 'As table'}
        </button>
      </figcaption>
      {isTable ? (
        <div className="day-table" id={`${id}-table`} role="region" aria-label="Matches and findings a day" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Day (UTC)</th>
                <th scope="col">Matches</th>
                <th scope="col">Findings</th>
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.from} className={bar.matches === 0 ? 'muted' : undefined}>
                  <th scope="row">{dayText(bar)}</th>
                  <td>{count(bar.matches)}</td>
                  <td>{count(bar.findings)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <>
          <div ref={box} className="day-plot">
            <svg width={width} height={HEIGHT} aria-hidden onPointerLeave={() => setHover(undefined)}>
              {bars.map((bar, at) => {
                const x = at * slot + (slot - thickness) / 2
                return (
                  <g key={bar.from} onPointerEnter={() => setHover(at)} className={hover === at ? 'is-hovered' : undefined}>
                    <rect className="day-slot" x={at * slot} y={0} width={slot} height={HEIGHT} />
                    <rect className="day-matches" x={x} y={HEIGHT - height(bar.matches)} width={thickness} height={height(bar.matches)} rx={thickness > 4 ? 1.5 : 0} />
                    <rect className="day-findings" x={x} y={HEIGHT - height(bar.findings)} width={thickness} height={height(bar.findings)} rx={thickness > 4 ? 1.5 : 0} />
                  </g>
                )
              })}
            </svg>
          </div>
          <div className="day-axis muted small" aria-hidden>
            <span>{first && dayText(first)}</span>
            <span className="day-legend">
              <i className="day-key-findings" /> findings <i className="day-key-matches" /> further matches
            </span>
            <span>{bars.length > 1 && last && dayText(last)}</span>
          </div>
        </>
      )}
    </figure>
  )
}
