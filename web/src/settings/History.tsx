/** Who changed what and when, old and new, from the audit log. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ExternalLink, History as HistoryIcon } from 'lucide-react'
import { resultOf, visible } from '../activity/event'
import { api } from '../api/client'
import { ChangedLines } from '../audit/Changed'
import type { AuditEvent } from '../api/shapes'
import { changedRows, deltaOf, type ChangedRow } from '../audit/delta'
import { Empty } from '../ui/Empty'
import { useDelayed } from '../ui/hooks'
import { Result } from '../ui/Result'
import { Trouble } from '../ui/Trouble'
import { When } from '../ui/When'

const PAGE = 50

/** Search for everything that was done to objects of these kinds, or to one of them. */
export function historyOf(kinds: readonly string[], id?: string): string {
  const kind = kinds.length === 1 ? `target.typeURI:==="whodid/${kinds[0] ?? ''}"` : `target.typeURI:==[${kinds.map((name) => `whodid/${name}`).join(',')}]`
  if (id === undefined) return kind
  const text = `"${id.replace(/(["\\])/g, '\\$1')}"`
  // A role that somebody is given is a binding of its own, which names them.
  return `${kind} (target.id:===${text} OR requestData.userId:===${text})`
}

/** What a record says in better words than its own, and what changed by it; undefined where it needs none. */
export type Say = (event: AuditEvent) => { sentence: string; changes: ChangedRow[] } | undefined

export function History({ q, isCompact = false, say }: { q: string; isCompact?: boolean; say?: Say | undefined }) {
  const list = useInfiniteQuery({
    queryKey: ['history', q],
    queryFn: ({ pageParam, signal }) => api.events({ q, stream: 'audit', limit: PAGE, cursor: pageParam === '' ? undefined : pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    // What was just changed is the first thing that people look for here.
    staleTime: 0,
  })
  const waiting = useDelayed(list.isPending)
  if (list.isError && !list.data) return <Trouble error={list.error} onRetry={() => void list.refetch()} />
  if (!list.data) {
    return waiting ? (
      <div role="status">
        <span className="visually-hidden">Loading…</span>
        <div className="table-skeleton" aria-hidden />
      </div>
    ) : null
  }
  const events = list.data.pages.flatMap((page) => page.events)
  if (events.length === 0) {
    return isCompact ? (
      <p className="muted small">Nothing has changed yet.</p>
    ) : (
      <Empty Icon={HistoryIcon} title="Nothing has changed yet">
        <p>Every change here is recorded: who made it, when, and what it was before.</p>
      </Empty>
    )
  }
  return (
    <>
      <ol className={`history${isCompact ? ' compact' : ''}`} aria-label="History">
        {events.map((event) => {
          const said = say?.(event)
          const delta = deltaOf(event)
          const changes = said?.changes ?? (delta ? changedRows(delta) : [])
          const sentence = visible(said?.sentence ?? event.record.summary)
          const result = resultOf(event)
          return (
            <li key={event.record.id}>
              <div className="history-head">
                <span className="history-when">
                  <When iso={event.eventTime} />
                </span>
                <span className="history-sentence">{sentence}</span>
                {result !== 'success' && <Result result={result} />}
                <Link to="/audit" search={{ event: event.record.id, from: 'all', q }} className="icon-button small" aria-label={`Open in the audit log: ${sentence}`} title="Open in the audit log">
                  <ExternalLink size={13} aria-hidden />
                </Link>
              </div>
              {changes.length > 0 && <ChangedLines rows={changes} />}
            </li>
          )
        })}
      </ol>
      {list.isError && (
        <p className="banner error" role="alert">
          {list.isFetchNextPageError ? 'Older ones did not come' : 'This may be out of date'}: {list.error.message}
        </p>
      )}
      {list.hasNextPage && (
        <button type="button" className="button older" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {list.isFetchingNextPage ? 'Loading…' : 'Older'}
        </button>
      )}
    </>
  )
}
