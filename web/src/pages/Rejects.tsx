/** What could not be read as events: kept, counted, shown with the reason and the text as it came. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { CircleCheckBig, Copy } from 'lucide-react'
import { useState } from 'react'
import { ago, clock, hoverTime } from '../activity/time'
import { api } from '../api/client'
import type { Reject } from '../api/shapes'
import { useDelayed } from '../ui/hooks'
import { copyText } from '../ui/notice'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Trouble } from '../ui/Trouble'

const route = getRouteApi('/shell/rejects')
const PAGE = 100

export function RejectsPage() {
  const { code } = route.useSearch()
  const navigate = route.useNavigate()
  const summary = useQuery({ queryKey: ['rejects', 'summary'], queryFn: ({ signal }) => api.rejectsSummary(signal) })
  const list = useInfiniteQuery({
    queryKey: ['rejects', 'list', code],
    queryFn: ({ pageParam, signal }) => api.rejects({ limit: PAGE, code, cursor: pageParam === '' ? undefined : pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })
  const waiting = useDelayed(list.isPending)
  const rejects = (list.data?.pages.flatMap((page) => page.rejects) ?? []).filter((reject) => code === undefined || reject.code === code)
  const total = summary.data?.total ?? 0
  return (
    <div className="page">
      <header className="page-head">
        <h1>Rejects</h1>
        <p className="muted">Lines that arrived but could not be read as events. Nothing is dropped: each is kept as it came, with the reason.</p>
      </header>
      {summary.data && total > 0 && (
        <div className="code-filter" role="group" aria-label="Filter by code">
          <button type="button" className="code-button" aria-pressed={code === undefined} onClick={() => void navigate({ search: {} })}>
            All <strong>{count(total)}</strong>
          </button>
          {summary.data.codes.map((item) => (
            <button key={item.code} type="button" className="code-button" aria-pressed={code === item.code} onClick={() => void navigate({ search: code === item.code ? {} : { code: item.code } })}>
              <span className="mono">{item.code}</span> <strong>{count(item.count)}</strong>
            </button>
          ))}
        </div>
      )}
      {list.isError && rejects.length === 0 ? (
        <Trouble error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        waiting && <div className="table-skeleton" aria-hidden />
      ) : rejects.length === 0 ? (
        <div className="state">
          <CircleCheckBig size={28} aria-hidden />
          <h2>{code === undefined ? 'Everything could be read' : `No reject has the code ${code}`}</h2>
          <p>{code === undefined ? 'Every line that arrived became an event.' : 'Choose another code above.'}</p>
        </div>
      ) : (
        <>
          <table className="page-table rejects-table">
            <thead>
              <tr>
                <th scope="col">Recorded</th>
                <th scope="col">Code</th>
                <th scope="col">Why</th>
                <th scope="col">Read as</th>
                <th scope="col">As it came</th>
              </tr>
            </thead>
            <tbody>
              {rejects.map((reject) => (
                <RejectRow key={reject.record.id} reject={reject} />
              ))}
            </tbody>
          </table>
          {list.hasNextPage && (
            <button type="button" className="button" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {list.isFetchingNextPage ? 'Loading…' : 'Load more'}
            </button>
          )}
        </>
      )}
    </div>
  )
}

const PREVIEW = 160

function RejectRow({ reject }: { reject: Reject }) {
  const { zone } = usePrefs()
  const [open, setOpen] = useState(false)
  const { day, time } = clock(reject.record.recorded_at, zone, false)
  const long = reject.raw.length > PREVIEW || reject.raw.includes('\n')
  return (
    <tr>
      <td data-label="Recorded">
        <time dateTime={reject.record.recorded_at} title={hoverTime(reject.record.recorded_at)} className="time-text">
          {day} {time}
        </time>
        <span className="muted small block">{ago(reject.record.recorded_at)}</span>
      </td>
      <td data-label="Code" className="mono">
        {reject.code}
      </td>
      <td data-label="Why">{reject.detail}</td>
      <td data-label="Read as" className="mono">
        {reject.source}
      </td>
      <td data-label="As it came" className="reject-raw">
        <pre className="mono" tabIndex={0} role="region" aria-label={`As it came, ${reject.record.id}`}>
          {open || !long ? reject.raw : `${reject.raw.slice(0, PREVIEW).replaceAll('\n', ' ')}…`}
        </pre>
        <span className="reject-tools">
          {reject.raw_encoding === 'base64' && <span className="tag">base64: not UTF-8</span>}
          {long && (
            <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? 'Less' : 'Whole'}
            </button>
          )}
          <button type="button" className="link-button" onClick={() => void copyText(reject.raw, 'Text')}>
            <Copy size={12} aria-hidden /> Copy
          </button>
        </span>
      </td>
    </tr>
  )
}
