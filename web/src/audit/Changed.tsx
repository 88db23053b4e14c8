/** Before and after, in words. The same beside an event and in every History. */
import { ArrowRight } from 'lucide-react'
import { visible } from '../activity/event'
import type { ChangedRow } from './delta'

const LONG = 300
const shown = (text: string): string => visible(text.length > LONG ? `${text.slice(0, LONG)}…` : text)

export function ChangedTable({ rows }: { rows: ChangedRow[] }) {
  return (
    <table className="changed">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={`${row.path} ${at}`}>
            <th scope="row">
              {row.path}
              <span className={`changed-kind changed-${row.change}`}>{row.change}</span>
            </th>
            <td className="changed-before">{row.before === undefined ? <span className="muted">{row.change === 'added' ? '–' : 'not told'}</span> : shown(row.before)}</td>
            <td className="changed-after">{row.after === undefined ? <span className="muted">–</span> : shown(row.after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** One line a change, for lists. */
export function ChangedLines({ rows }: { rows: ChangedRow[] }) {
  return (
    <ul className="changed-lines">
      {rows.map((row, at) => (
        <li key={`${row.path} ${at}`}>
          <span className="changed-path">{row.path}</span>
          {row.before !== undefined && <del className="changed-before">{shown(row.before)}</del>}
          {row.before !== undefined && row.after !== undefined && <ArrowRight size={12} aria-label="to" />}
          {row.after !== undefined && <ins className="changed-after">{shown(row.after)}</ins>}
          {row.before === undefined && row.after === undefined && <span className="muted">{row.change}</span>}
        </li>
      ))}
    </ul>
  )
}
