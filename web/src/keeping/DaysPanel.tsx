/** How many events there are, day by day, and how large they are. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CalendarOff } from 'lucide-react'
import { useState } from 'react'
import { keeping } from '../api/keeping'
import { isProblem } from '../api/problem'
import type { Day } from '../api/shapes'
import { Empty } from '../ui/Empty'
import { useDelayed } from '../ui/hooks'
import { Loaded } from '../ui/Loaded'
import { bytes, count, events } from '../ui/number'
import { dayRows, sumOf } from './dayRows'
import { SpanFields } from './SpanFields'
import { activityOf, daysText, dayText, hourText, isSameSpan, sentSpan, spanProblem, whoseText, type Span } from './span'

const ROWS_SHOWN = 62

export function DaysPanel({ span, onSpan }: { span: Span; onSpan: (span: Span) => void }) {
  const [draft, setDraft] = useState(span)
  const days = useQuery({ queryKey: ['days', sentSpan(span)], queryFn: ({ signal }) => keeping.days(sentSpan(span), signal), placeholderData: keepPreviousData, enabled: spanProblem(span) === undefined })
  const stale = useDelayed(days.isPlaceholderData)
  const problem = spanProblem(draft)
  const isChanged = !isSameSpan(draft, span)
  return (
    <section className="panel" aria-labelledby="days">
      <h2 id="days">Events by day</h2>
      <form
        className="span-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (problem !== undefined) return
          if (isChanged) onSpan(draft)
          else void days.refetch()
        }}
      >
        <SpanFields value={draft} onChange={setDraft} all="All I may see" />
        <button type="submit" className={`button${isChanged ? ' primary' : ''}`} disabled={problem !== undefined || days.isFetching}>
          {days.isFetching ? 'Counting…' : 'Show'}
        </button>
      </form>
      {isChanged && problem !== undefined && <p className="field-error">{problem}</p>}
      <div className={`days${stale ? ' stale' : ''}`}>
        <Loaded query={days}>{(list) => <DayTable days={list} span={span} />}</Loaded>
        {isProblem(days.error, 'query_timeout') && <p className="muted small">Sizes are counted by reading the events. Ask for fewer days at once.</p>}
      </div>
    </section>
  )
}

function DayTable({ days, span }: { days: Day[]; span: Span }) {
  const [isAll, setIsAll] = useState(false)
  const what = `${span.hour === '' ? '' : `${hourText(Number(span.hour))} of `}${daysText(span.from, span.to)}`
  if (days.length === 0) {
    return (
      <Empty Icon={CalendarOff} title="No events on these days">
        <p>
          There is no event {span.of === 'all' ? '' : `of ${whoseText(span.of, span.space, '')} `}from {what} (UTC) that you may see.
        </p>
      </Empty>
    )
  }
  const sum = sumOf(days)
  const most = Math.max(...days.map((day) => day.count))
  const rows = dayRows(days, span.from, span.to)
  const shown = isAll ? rows : rows.slice(0, ROWS_SHOWN)
  return (
    <>
      <p className="days-sum" role="status">
        <strong>{events(sum.count)}</strong> <span className="muted">on {days.length === 1 ? 'one day' : `${days.length} days`}, </span>
        <strong title={`${count(sum.bytes)} bytes as received`}>{bytes(sum.bytes)}</strong> <span className="muted">as received. {span.of === 'all' ? '' : `Of ${whoseText(span.of, span.space, '')}, `}{span.of === 'all' ? what.replace(/^./, (sign) => sign.toUpperCase()) : what}, UTC.</span>
      </p>
      <table className="page-table days-table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="number">
              Events
            </th>
            <th scope="col" aria-hidden />
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">Came in as</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) =>
            'day' in row ? (
              <tr key={row.day.date}>
                <th scope="row" data-label="Day">
                  <Link to="/activity" search={activityOf(span, row.day.date)} className="row-link" title={`Show the events of ${row.day.date}`}>
                    {dayText(row.day.date)}
                  </Link>
                </th>
                <td data-label="Events" data-unit={row.day.count === 1 ? 'event' : 'events'} className="number tabular">
                  {count(row.day.count)}
                </td>
                <td className="day-share" aria-hidden>
                  <i style={{ inlineSize: `${Math.max(0.5, (100 * row.day.count) / most)}%` }} />
                </td>
                <td data-label="Size" className="number tabular">
                  <span title={`${count(row.day.bytes)} bytes`}>{bytes(row.day.bytes)}</span>
                </td>
                <td data-label="Came in as" className="day-types">{row.day.types.join(', ')}</td>
              </tr>
            ) : (
              <tr key={row.from} className="silent">
                <th scope="row" data-label="Day">
                  {row.silent === 1 ? dayText(row.from) : daysText(row.from, row.to)}
                </th>
                <td colSpan={4} data-label="Events">
                  {row.silent === 1 ? 'none' : `none on ${count(row.silent)} days`}
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <button type="button" className="link-button" onClick={() => setIsAll(true)}>
          Show {count(rows.length - shown.length)} earlier rows
        </button>
      )}
    </>
  )
}
