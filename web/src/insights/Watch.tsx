/** The page: cards, when it was, and the list; beside an open insight only the list. The address is the whole state. */
import { getRouteApi, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { zoneName } from '../activity/time'
import { neighbour } from '../alerts/standing'
import { insights as api } from '../api/insights'
import type { Insight } from '../api/shapes'
import { Gate } from '../session/Gate'
import { useSigned } from '../session/me'
import { useDelayed, useNow, useShortcuts } from '../ui/hooks'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Trouble } from '../ui/Trouble'
import { Cards } from './Cards'
import { Filters } from './Filters'
import { Line } from './Line'
import { NoInsights } from './NoInsights'
import { useInsightCounts, useInsightList, useInsightStatus } from './queries'
import { queryOf, USUAL_RANGE, withoutCards, type InsightSearch } from './search'
import { SayingContext, useSaying } from './saying'
import { Timeline } from './Timeline'
import { spanOf } from './lanes'

const route = getRouteApi('/shell/insights/watch')

export function WatchPage() {
  return (
    <Gate need="all-events">
      <Watch />
    </Gate>
  )
}

function Watch() {
  const search: InsightSearch = route.useSearch()
  const navigate = useNavigate()
  const { rights } = useSigned()
  const { zone } = usePrefs()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const open = /^\/insights\/([^/]+)$/.exec(path)?.[1]
  const { from, to } = search
  const query = useMemo(() => queryOf(search), [search])
  const status = useInsightStatus()
  const counts = useInsightCounts(queryOf(withoutCards(search)))
  const list = useInsightList(query)
  const now = useNow()
  const waiting = useDelayed(list.isPending)
  const stale = useDelayed(list.isPlaceholderData)
  const scroll = useRef<HTMLDivElement>(null)
  const [cursor, setCursor] = useState<string | undefined>(open)
  const zooms = useRef<Pick<InsightSearch, 'from' | 'to'>[]>([])
  const shown = useMemo(() => list.data?.pages.flatMap((page) => page.insights) ?? [], [list.data])
  const ids = useMemo(() => shown.map((insight) => insight.id), [shown])
  const span = useMemo(() => spanOf(from ?? USUAL_RANGE, to, shown, now), [from, to, shown, now])
  const total = list.data?.pages[0]?.counts

  const change = useCallback((next: { [Name in keyof InsightSearch]: InsightSearch[Name] | undefined }, replace = false): void => void navigate({ to: '.', search: (before) => ({ ...before, ...next }), replace }), [navigate])
  const openInsight = (id: string | undefined, replace = false): void =>
    void (id === undefined ? navigate({ to: '/insights', search: (before) => ({ ...before, period: undefined, form: undefined }), replace }) : navigate({ to: '/insights/$id', params: { id }, search: (before) => ({ ...before, period: undefined, form: undefined }), replace }))
  const saying = useSaying(rights)
  const focusLine = (id: string): void => scroll.current?.querySelector<HTMLElement>(`[data-insight="${CSS.escape(id)}"] .insight-row`)?.focus()
  const at = (): string | undefined => (cursor !== undefined && ids.includes(cursor) ? cursor : open !== undefined && ids.includes(open) ? open : undefined)
  const move = (step: 1 | -1): void => {
    const next = neighbour(ids, at(), step)
    if (next === undefined) return
    setCursor(next)
    focusLine(next)
    if (open !== undefined) openInsight(next, true)
  }
  const meant = (deed: (insight: Insight) => void) => (event: KeyboardEvent) => {
    const one = shown.find((insight) => insight.id === (at() ?? open))
    if (!one || saying.context.reason !== undefined) return
    event.preventDefault()
    deed(one)
  }
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    Enter: (event) => {
      const id = at() ?? ids[0]
      if (event.target === document.body && id !== undefined) openInsight(id)
    },
    o: () => {
      const id = at() ?? ids[0]
      if (id !== undefined) openInsight(id)
    },
    e: meant(saying.context.expect),
    u: meant(saying.context.praise),
    Escape: () => (open !== undefined ? openInsight(undefined) : undefined),
  })
  const before = useRef(open)
  useEffect(() => {
    // Back in the list, where one was before.
    const last = before.current
    before.current = open
    if (open === undefined && last !== undefined) scroll.current?.querySelector<HTMLElement>(`[data-insight="${CSS.escape(last)}"] .insight-row`)?.focus()
  }, [open])
  const zoom = (start: string, end: string): void => {
    zooms.current.push({ from, to })
    change({ from: start, to: end })
  }
  const zoomBack = (): void => {
    const last = zooms.current.pop()
    if (last) change({ from: last.from, to: last.to })
    else if (to !== undefined) change({ from: undefined, to: undefined })
  }
  const again = (): void => void Promise.all([list.refetch(), status.refetch(), counts.refetch()])
  const isEmpty = list.isSuccess && shown.length === 0 && !list.isPlaceholderData
  // Before there is anything to tell, there is nothing to narrow either.
  const isFirst = isEmpty && status.data !== undefined && (status.data.learning_since == null || !status.data.is_ready) && counts.data?.all === 0
  return (
    <SayingContext value={saying.context}>
      <div className={`unusual${open === undefined ? '' : ' is-reading'}`}>
        <div className="unusual-list" ref={scroll} aria-busy={list.isFetching}>
          <h1 className="visually-hidden">Insights</h1>
          {open === undefined && !isFirst && (status.data !== undefined || status.isPending) && <Cards search={search} status={status.data} counts={counts.data} />}
          {!isFirst && (
            <Filters search={search} insights={shown} span={span} expected={counts.data?.expected} check={(start) => api.list({ ...queryOf({ from: start }), limit: 1 }, false, AbortSignal.timeout(10_000))} onChange={change} onAgain={again} isFetching={list.isFetching && !list.isFetchingNextPage} />
          )}
          {list.isError && shown.length > 0 && (
            <p className="banner error unusual-banner" role="alert">
              This may be out of date: {list.error.message}{' '}
              <button type="button" className="link-button" onClick={again}>
                Try again
              </button>
            </p>
          )}
          {list.data?.pages.at(-1)?.is_cut === true && (
            <p className="banner warning unusual-banner" role="status">
              There are more insights in this time than are read at once: the oldest are neither listed nor counted. Choose an earlier end to see them.
            </p>
          )}
          {open === undefined && shown.length > 0 && <Timeline insights={shown} total={total?.all ?? shown.length} span={span} now={now} isStale={stale} onOpen={openInsight} onZoom={zoom} onBack={zoomBack} />}
          {list.isError && shown.length === 0 ? (
            <Trouble error={list.error} onRetry={again} />
          ) : list.isPending ? (
            waiting && <Skeleton />
          ) : isEmpty ? (
            <NoInsights search={search} status={status.data} counts={counts.data} onChange={change} />
          ) : (
            <div className={`insight-list${stale ? ' stale' : ''}`}>
              <p className="insight-total muted small" role="status">
                {total !== undefined && `${count(total.all)} ${total.all === 1 ? 'insight' : 'insights'}${total.open > 0 ? `, ${count(total.open)} ${total.open === 1 ? 'goes' : 'go'} on` : ''}`}
              </p>
              <div className="insight-columns" aria-hidden>
                <span />
                <span>Kind</span>
                <span>What is unusual</span>
                <span className="line-far">Usual ×</span>
                <span>Start ({zoneName(zone)})</span>
                <span>Lasted</span>
                <span>Region</span>
                <span>Said</span>
              </div>
              <ul className="insight-lines" aria-label="Insights">
                {shown.map((insight) => (
                  <Line key={insight.id} insight={insight} now={now} isOpen={insight.id === open} onFocus={() => setCursor(insight.id)} />
                ))}
              </ul>
              {list.isFetchNextPageError && (
                <p className="banner error unusual-banner" role="alert">
                  Older ones did not come: {list.error.message}
                </p>
              )}
              {list.hasNextPage && (
                <button type="button" className="button older" aria-disabled={list.isFetchingNextPage} onClick={() => !list.isFetchingNextPage && void list.fetchNextPage()}>
                  {list.isFetchingNextPage ? 'Loading…' : 'Older'}
                </button>
              )}
            </div>
          )}
        </div>
        <Outlet />
      </div>
      {saying.dialogs}
    </SayingContext>
  )
}

function Skeleton() {
  return (
    <div className="insight-skeleton" aria-hidden>
      {Array.from({ length: 9 }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  )
}
