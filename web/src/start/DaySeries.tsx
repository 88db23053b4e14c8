/** How much was found on which day, stacked by part. A day leads to its findings; the numbers stand in a table too. */
import { clock } from '../activity/time'
import type { ShownValue } from '../api/shapes'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { columnsOf, findingsOf, findingsText, type DayColumn } from './cards'
import { FindingsLink } from './FindingsLink'

/** So few look few: a single finding fills no column. */
const TOP_MIN = 4

interface DaySeriesProps {
  text: string
  days: readonly string[]
  values: ShownValue[]
  from: string
  /** What all of it is, for the links of single days. */
  q: string | undefined
  className?: string
}

export function DaySeries({ text, days, values, from, q, className = '' }: DaySeriesProps) {
  const { zone } = usePrefs()
  const columns = columnsOf(days, values, from)
  const top = Math.max(TOP_MIN, ...columns.map((column) => column.total))
  const name = ({ from: start, to }: DayColumn): string => (to === undefined ? 'Today' : clock(start, zone).day)
  const spoken = (column: DayColumn): string => `${name(column)}: ${findingsText(column.total)}`
  const told = (column: DayColumn): string => [spoken(column), ...column.parts.flatMap((part, at) => (part > 0 ? [`${values[at]?.text ?? ''}: ${count(part)}`] : []))].join('\n')
  return (
    <figure className={`day-series ${className}`}>
      <ol className="day-bars" aria-label={text}>
        {columns.map((column) => (
          <li key={column.from}>
            <FindingsLink to={column.total === 0 ? undefined : findingsOf(q, column.from, column.to)} className={`day-bar${column.to === undefined ? ' is-today' : ''}`} title={told(column)}>
              <span className="day-name">{name(column)}</span>
              <span className="day-plot">
                <span className={`day-total${column.total === 0 ? ' is-none' : ''}`}>
                  {count(column.total)}
                  <span className="visually-hidden"> {column.total === 1 ? 'finding' : 'findings'}</span>
                </span>
                <span className="day-stack" style={{ blockSize: `${Math.round((column.total / top) * 100)}%` }}>
                  {column.parts.map((part, at) => (part > 0 ? <i key={at} className={`series-${at + 1}`} style={{ flexGrow: part }} /> : null))}
                </span>
              </span>
            </FindingsLink>
          </li>
        ))}
      </ol>
      {/* A table itself does not shrink out of sight. */}
      <div className="visually-hidden">
        <table>
          <caption>{text}</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {values.map((value) => (
                <th key={value.text} scope="col">
                  {value.text}
                </th>
              ))}
              <th scope="col">Together</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <tr key={column.from}>
                <th scope="row">{name(column)}</th>
                {column.parts.map((part, at) => (
                  <td key={at}>{count(part)}</td>
                ))}
                <td>{count(column.total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}
