/** What was done in one's own name, day by day, and where one is signed in. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Download, History, Search } from 'lucide-react'
import { useState } from 'react'
import { clock, hoverTime } from '../activity/time'
import { TimePicker } from '../activity/TimePicker'
import { own, ownExportAddress } from '../api/own'
import type { AuditEvent } from '../api/shapes'
import { useSigned } from '../session/me'
import { agentName } from '../ui/agent'
import { Empty } from '../ui/Empty'
import { useDelayed, useNow } from '../ui/hooks'
import { usePrefs } from '../ui/prefs'
import { Trouble } from '../ui/Trouble'
import { byDay } from './days'
import { NotMe } from './NotMe'
import { OwnEvent } from './OwnEvent'
import { SessionCards } from './SessionCards'

const route = getRouteApi('/shell/me/activity')
const USUAL = 'now-30d'
const PAGE = 50

export function MyActivityPage() {
  const { q, from, to, open } = route.useSearch()
  const navigate = route.useNavigate()
  const { zone } = usePrefs()
  const [asked, setAsked] = useState<AuditEvent | undefined>()
  const now = useNow()
  const start = from ?? USUAL
  const range = { ...(start === 'all' ? {} : { from: start }), ...(to === undefined ? {} : { to }), ...(q === undefined ? {} : { q }) }
  const list = useInfiniteQuery({
    queryKey: ['own-activity', range],
    queryFn: ({ pageParam, signal }) => own.activity({ ...range, limit: PAGE, cursor: pageParam === '' ? undefined : pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })
  const waiting = useDelayed(list.isPending)
  const stale = useDelayed(list.isPlaceholderData)
  const events = list.data?.pages.flatMap((page) => page.events) ?? []
  const change = (next: { q?: string | undefined; from?: string | undefined; to?: string | undefined; open?: string | undefined }, replace = false): void => void navigate({ search: (before) => ({ ...before, ...next }), replace })
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <h1>My activity</h1>
        <LastSignIn />
      </header>
      <section className="panel" aria-labelledby="own-sessions">
        <h2 id="own-sessions">Sessions and devices</h2>
        <SessionCards />
      </section>
      <section className="own" aria-labelledby="own-events">
        <h2 id="own-events">What was done in your name</h2>
        <div className="own-tools">
          <FilterBox key={q ?? ''} value={q ?? ''} onSubmit={(next) => change({ q: next === '' ? undefined : next, open: undefined })} />
          <TimePicker from={from} to={to} usual={USUAL} resolved={undefined} check={(text) => own.activity({ from: text, limit: 1 }, AbortSignal.timeout(10_000))} onChange={(nextFrom, nextTo) => change({ from: nextFrom, to: nextTo, open: undefined })} />
          <a className="button" href={ownExportAddress(range)} download>
            <Download size={14} aria-hidden /> CSV
          </a>
        </div>
        {list.isError && events.length === 0 ? (
          <Trouble error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          waiting && (
            <div className="table-skeleton" aria-hidden>
              {Array.from({ length: 8 }, (_, at) => (
                <i key={at} />
              ))}
            </div>
          )
        ) : events.length === 0 ? (
          <Empty Icon={History} title={q === undefined ? 'Nothing in this time' : 'Nothing matches'}>
            <p>{q === undefined ? 'Nothing was recorded in your name. What you do here or in a connected service shows up within seconds.' : 'Nothing in your name has these words in this time.'}</p>
            <div className="state-actions">
              {q !== undefined && (
                <button type="button" className="button" onClick={() => change({ q: undefined })}>
                  Remove the filter
                </button>
              )}
              {from !== 'all' && (
                <button type="button" className="button" onClick={() => change({ from: 'all', to: undefined })}>
                  Search all time
                </button>
              )}
            </div>
          </Empty>
        ) : (
          <div className={stale ? 'stale' : undefined}>
            {byDay(events, zone, now).map((day, at, days) => (
              <section key={day.key} className="own-day" aria-label={day.label}>
                <h3>
                  {day.label}
                  {/* A day that goes on in an older page is not counted yet. */}
                  {!(list.hasNextPage && at === days.length - 1) && <span className="muted">{day.events.length}</span>}
                </h3>
                <ol className="own-list">
                  {day.events.map((event) => (
                    <OwnEvent
                      key={event.record.id}
                      event={event}
                      isOpen={open === event.record.id}
                      onToggle={() => change({ open: open === event.record.id ? undefined : event.record.id }, true)}
                      onNotMe={() => setAsked(event)}
                    />
                  ))}
                </ol>
              </section>
            ))}
            {list.isError && (
              <p className="banner error" role="alert">
                {list.error.message}
              </p>
            )}
            {list.hasNextPage ? (
              <button type="button" className="button older" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                {list.isFetchingNextPage ? 'Loading…' : 'Older'}
              </button>
            ) : (
              <p className="muted small older">That is all in this time.</p>
            )}
          </div>
        )}
      </section>
      {asked && <NotMe event={asked} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

function LastSignIn() {
  const { me } = useSigned()
  const { zone } = usePrefs()
  const last = me.last_sign_in
  const when = last ? clock(last.at, zone, false) : undefined
  return (
    <p>
      You: <strong>{me.user.name}</strong>.{' '}
      {last && when ? (
        <>
          Last sign-in{' '}
          <time dateTime={last.at} title={hoverTime(last.at)}>
            {when.day} {when.time.slice(0, 5)}
          </time>{' '}
          from <span className="mono">{last.address}</span>, <span title={last.agent}>{agentName(last.agent)}</span>.
        </>
      ) : (
        'This is your first sign-in.'
      )}
    </p>
  )
}

function FilterBox({ value, onSubmit }: { value: string; onSubmit: (text: string) => void }) {
  const [typed, setTyped] = useState(value)
  return (
    <form
      className="filter-box"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(typed.trim())
      }}
    >
      <Search size={14} aria-hidden />
      <input type="search" aria-label="Filter my activity" placeholder="Filter: deleted, kms, outcome:failure" spellCheck={false} value={typed} onChange={(event) => {
        setTyped(event.target.value)
        // The cross in the box clears at once.
        if (event.target.value === '' && value !== '') onSubmit('')
      }} />
    </form>
  )
}
