/** Search, see when, narrow down, read: the page over any stream of events. The address is the whole state. */
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowUp, ChartColumn, Link as LinkIcon, ListFilter, Pause, Play, Radar, Radio, RefreshCw } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import type { AuditEvent, EventPage } from '../api/shapes'
import { withMissing, withValue, type FilterMode } from '../query/terms'
import { Dialog } from '../ui/Dialog'
import { useDelayed, useShortcuts } from '../ui/hooks'
import { useMedia, useNarrow, usePhone } from '../ui/media'
import { copyText, notify } from '../ui/notice'
import { count } from '../ui/number'
import { setPref, usePrefs } from '../ui/prefs'
import { Trouble } from '../ui/Trouble'
import { Words } from '../ui/Words'
import { ActionsContext, type ActivityActions } from './actions'
import { Chips } from './Chips'
import { ColumnMenu } from './ColumnMenu'
import { columnNamed, fieldLabel, parseColumns, printColumns, type ChosenColumn } from './columns'
import { Drawer } from './Drawer'
import { AlertOnSearch } from '../searches/AlertOnSearch'
import { useSigned } from '../session/me'
import { FirstRun, NothingMatches } from './Empty'
import { EventTable, type EventTableHandle } from './EventTable'
import { shorten, withResult, type Result } from './event'
import { ExportMenu } from './ExportMenu'
import { Facets } from './Facets'
import { HistogramChart } from './HistogramChart'
import { LogsSwitch } from './LogsSwitch'
import type { Preset } from './preset'
import { QueryBar, type QueryBarHandle } from './QueryBar'
import { filterOf, printAddress, type ActivitySearch } from './search'
import { pointMs } from './time'
import { TimePicker } from './TimePicker'
import { useLive } from './useLive'
import { ValueMenu, type AskedValue } from './ValueMenu'

const PAGE_FIRST = 100
const PAGE_NEXT = 500
/** How often a page without events looks for the first one. */
const FIRST_EVENT_MS = 3000
/** How often counts and bars follow while live is on. */
const LIVE_COUNTS_MS = 5000

/** The address with its times written out: whoever opens it sees the same, whenever that is. */
function sharedLink(search: ActivitySearch, shown: { from: string; to: string } | undefined): string {
  const fixed = shown && search.from !== 'all' ? { from: absolute(search.from) ?? shown.from, to: absolute(search.to) ?? shown.to } : {}
  return `${window.location.origin}${window.location.pathname}${printAddress({ ...search, ...fixed, live: undefined })}`
}

interface ExplorerProps {
  preset: Preset
  search: ActivitySearch
  onSearch: (change: (now: ActivitySearch) => ActivitySearch, replace: boolean) => void
}

export function Explorer({ preset, search, onSearch }: ExplorerProps) {
  const { rights } = useSigned()
  const client = useQueryClient()
  const prefs = usePrefs()
  const phone = usePhone()
  const narrow = useNarrow()
  const bar = useRef<QueryBarHandle>(null)
  const table = useRef<EventTableHandle>(null)
  const [asked, setAsked] = useState<AskedValue | undefined>()
  const [sheet, setSheet] = useState(false)
  const zooms = useRef<{ from: string | undefined; to: string | undefined }[]>([])

  const query = search.q ?? ''
  const order = search.order ?? 'desc'
  // Who may read only one kind is shown just that by the server.
  const hasLogs = preset.stream === undefined && rights.may('account-events.read') && rights.may('space-events.read')
  const logs = hasLogs ? search.logs : undefined
  const filter = useMemo(() => filterOf(search.q, search.from, search.to, preset.stream, logs), [search.q, search.from, search.to, preset.stream, logs])
  const columns = useMemo(() => parseColumns(search.cols, preset.columns), [search.cols, preset.columns])
  const facets = useMemo(() => (search.facets === undefined ? [...preset.facets] : search.facets.split(',').filter(Boolean)), [search.facets, preset.facets])

  const change = useCallback(
    (next: Partial<Record<keyof ActivitySearch, ActivitySearch[keyof ActivitySearch]>>, replace = false) => onSearch((now) => ({ ...now, ...next }) as ActivitySearch, replace),
    [onSearch],
  )

  // ---- what the server knows
  const status = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => api.status(signal), refetchInterval: ({ state }) => (state.data?.events === 0 ? FIRST_EVENT_MS : false) })
  const none = preset.stream === undefined && status.data?.events === 0
  // The first event has come when there were none before: what found nothing asks again.
  useEffect(() => {
    if (none) return () => void client.invalidateQueries()
    return undefined
  }, [none, client])
  const list = useInfiniteQuery({
    queryKey: ['events', filter, order],
    queryFn: ({ pageParam, signal }) => api.events({ ...filter, order, limit: pageParam === '' ? PAGE_FIRST : PAGE_NEXT, cursor: pageParam === '' ? undefined : pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })
  const histogram = useQuery({
    queryKey: ['histogram', filter],
    queryFn: ({ signal }) => api.histogram(filter, signal),
    placeholderData: keepPreviousData,
    refetchInterval: search.live === true ? LIVE_COUNTS_MS : false,
  })
  const inRange = useQuery({
    queryKey: ['count', { ...filter, q: undefined }],
    queryFn: ({ signal }) => api.count({ ...filter, q: undefined }, signal),
    enabled: query !== '',
    placeholderData: keepPreviousData,
  })
  const live = useLive(search.live === true, filter)

  const fetched = useMemo(() => list.data?.pages.flatMap((page) => page.events) ?? [], [list.data])
  const rows = useMemo(() => {
    if (live.rows.length === 0) return fetched
    const known = new Set(fetched.map((event) => event.record.id))
    return [...live.rows.filter((event) => !known.has(event.record.id)), ...fetched]
  }, [live.rows, fetched])
  const total = histogram.data && !histogram.isPlaceholderData ? Math.max(histogram.data.total, live.on ? rows.length : 0) : undefined
  const stats = list.data?.pages[0]?.stats
  const problem = list.error instanceof Problem ? list.error : undefined
  const stale = useDelayed(list.isPlaceholderData)
  const skeleton = useDelayed(list.isPending)
  // The histogram's ends are those of its bars; what the address says exactly holds.
  const resolved = histogram.data ? { from: absolute(search.from) ?? histogram.data.from, to: absolute(search.to) ?? histogram.data.to } : undefined

  // ---- what a person does
  const setQuery = useCallback((next: string) => change({ q: next === '' ? undefined : next }), [change])
  const setRange = useCallback((from: string | undefined, to: string | undefined) => change({ from, to, ...(to ? { live: undefined } : {}) }), [change])
  const setColumns = useCallback((next: ChosenColumn[]) => change({ cols: printColumns(next, preset.columns) }, true), [change, preset.columns])
  const filterBy = useCallback(
    (field: string, value: string, mode: FilterMode) => {
      onSearch((now) => ({ ...now, q: withValue(now.q ?? '', field, value, mode) || undefined }), false)
      if (mode !== 'clear') notify(`${fieldLabel(field)} ${mode === 'out' ? 'is not' : 'is'} ${shorten(value, 40)}`)
    },
    [onSearch],
  )
  const addColumn = useCallback(
    (field: string) => {
      if (columns.some((column) => column.name === field)) notify(`${fieldLabel(field)} is a column already`)
      else {
        setColumns([...columns, { ...columnNamed(field), fixed: false }])
        notify(`${fieldLabel(field)} is a column now`)
      }
    },
    [columns, setColumns],
  )
  const openEvent = useCallback((event: string) => change({ event }, search.event !== undefined), [change, search.event])
  const openRow = useCallback((event: AuditEvent) => openEvent(event.record.id), [openEvent])
  const close = (): void => {
    change({ event: undefined, tab: undefined })
    table.current?.focus()
  }
  const actions = useMemo<ActivityActions>(
    () => ({ filter: filterBy, addColumn, openEvent, valueMenu: (anchor, field, value) => setAsked({ anchor, field, value }) }),
    [filterBy, addColumn, openEvent],
  )
  const zoom = (from: string, to: string): void => {
    const [start, end] = [absolute(search.from), absolute(search.to)]
    zooms.current.push({ from: search.from, to: search.to })
    setRange(start !== undefined && start > from ? start : from, end !== undefined && end < to ? end : to)
  }
  const zoomBack = (): void => {
    const before = zooms.current.pop()
    if (before) setRange(before.from, before.to)
    else if (search.to) setRange(undefined, undefined)
  }
  const { fetchNextPage, refetch, isFetchNextPageError } = list
  // A page that failed is asked for again by a person, not by the list, which would ask without end.
  const more = useCallback(() => (isFetchNextPageError ? undefined : void fetchNextPage()), [fetchNextPage, isFetchNextPageError])
  const { pause } = live
  const onScrolled = useCallback((away: boolean) => (away ? pause() : undefined), [pause])
  const resume = (): void => {
    live.resume()
    table.current?.top()
  }
  const again = (): void => {
    // From the start, not every page that was scrolled through.
    client.setQueryData<InfiniteData<EventPage>>(['events', filter, order], (now) => now && { pages: now.pages.slice(0, 1), pageParams: now.pageParams.slice(0, 1) })
    void refetch()
    void histogram.refetch()
    void inRange.refetch()
  }

  const toggleLive = (): void => {
    change({ live: live.on ? undefined : true, to: undefined, order: undefined })
    // What live showed is in the search from now on; what it will show comes in at the top.
    if (live.on) again()
    else table.current?.top()
  }

  useShortcuts({
    '/': (event) => {
      event.preventDefault()
      bar.current?.focus()
    },
    j: () => table.current?.move(1),
    k: () => table.current?.move(-1),
    Enter: (event) => {
      if (event.target === document.body) table.current?.open()
    },
    Escape: () => {
      if (search.event) close()
    },
    l: toggleLive,
    p: () => (live.on ? (live.paused ? resume() : live.pause()) : undefined),
  })

  const facetPanel = (
    <Facets filter={filter} fields={facets} onFields={(next) => change({ facets: next.join(',') === preset.facets.join(',') ? undefined : next.join(',') }, true)} onMissing={(field) => setQuery(withMissing(query, field))} />
  )
  const firstRun = none && rows.length === 0 && list.isSuccess
  // Beside an open event the table needs the room more than the facets do.
  const roomy = useMedia('(min-width: 1600px)')
  const facetsShown = prefs.facets === 'shown' && !narrow && !firstRun && (roomy || search.event === undefined)

  return (
    <ActionsContext value={actions}>
      <div className={`activity${search.event ? ' with-drawer' : ''}${facetsShown ? '' : ' without-facets'}`}>
        {preset.lead === undefined && <h1 className="visually-hidden">{preset.title}</h1>}
        <div className="toolbar">
          {preset.lead !== undefined && (
            <div className="toolbar-lead">
              <h1>{preset.title}</h1>
              <p className="muted">{preset.lead}</p>
            </div>
          )}
          <div className="toolbar-row">
            <QueryBar ref={bar} value={query} range={filter} placeholder={preset.placeholder} onSubmit={(next) => (next === query ? again() : setQuery(next))} />
            <TimePicker from={search.from} to={search.to} resolved={resolved} onChange={setRange} />
            <button type="button" className={`button live-button${live.on ? ' on' : ''}`} aria-pressed={live.on} onClick={toggleLive} title="Follow new events (l)">
              <Radio size={14} aria-hidden /> Live
            </button>
          </div>
          {(hasLogs || preset.quick.length > 0 || query !== '') && (
            <div className="toolbar-second">
              {hasLogs && <LogsSwitch logs={logs} onChange={(next) => change({ logs: next, event: undefined })} />}
              {preset.quick.length > 0 && (
                <div className="quick" role="group" aria-label="Prepared searches">
                  {preset.quick.map(({ label, q }) => (
                    <button key={label} type="button" className="code-button" aria-pressed={query === q} onClick={() => setQuery(query === q ? '' : q)}>
                      {label}
                    </button>
                  ))}
                </div>
              )}
              {!preset.quick.some(({ q }) => q === query) && <Chips query={query} onChange={setQuery} />}
            </div>
          )}
        </div>

        {facetsShown && (
          <aside className="facet-panel" aria-label="Facets">
            {facetPanel}
          </aside>
        )}

        <section className="results" aria-label="Results">
          {firstRun ? (
            <FirstRun />
          ) : (
            <>
              {prefs.histogram === 'shown' &&
                (histogram.data ? (
                  <HistogramChart data={histogram.data} stale={histogram.isPlaceholderData && stale} onZoom={zoom} onBack={zoomBack} onResult={(result: Result) => setQuery(withResult(query, result))} />
                ) : histogram.isError ? null : (
                  <div className={`histogram histogram-skeleton${skeleton ? ' drawn' : ''}`} aria-hidden />
                ))}
              <div className="stats">
                <button type="button" className="icon-button small" aria-label={narrow || prefs.facets === 'hidden' ? 'Show facets' : 'Hide facets'} title="Facets" aria-pressed={facetsShown} onClick={() => (narrow ? setSheet(true) : setPref('facets', prefs.facets === 'shown' ? 'hidden' : 'shown'))}>
                  <ListFilter size={15} aria-hidden />
                </button>
                <p className="stats-line" role="status">
                  {total !== undefined && (
                    <>
                      <strong>{count(total)}</strong>
                      {query !== '' && inRange.data !== undefined ? ` of ${count(Math.max(total, inRange.data))}` : ''} {total === 1 && query === '' ? 'event' : 'events'}
                      {stats && (
                        <span className="muted">
                          {' '}
                          · {Math.max(1, Math.round(stats.took_ms))} ms <span className="hide-phone">· {count(stats.segments_read)} of {count(stats.segments)} segments read</span>
                        </span>
                      )}
                    </>
                  )}
                </p>
                <span className="spring" />
                {live.on && (
                  <span className="live-state">
                    <span className={`live-dot${live.paused ? ' paused' : live.connected ? ' open' : ''}`} aria-hidden />
                    <span role="status">{live.paused ? 'Paused' : live.connected ? 'Live' : 'Connecting…'}</span>
                    <button type="button" className="button small" onClick={live.paused ? resume : live.pause}>
                      {live.paused ? <Play size={12} aria-hidden /> : <Pause size={12} aria-hidden />} {live.paused ? 'Resume' : 'Pause'}
                    </button>
                  </span>
                )}
                <button type="button" className="icon-button small reload" aria-label="Load again" title="Load again" onClick={again}>
                  <RefreshCw size={14} aria-hidden className={list.isFetching && !list.isFetchingNextPage ? 'spinning' : ''} />
                </button>
                <button
                  type="button"
                  className="icon-button small hide-phone"
                  aria-label={prefs.histogram === 'shown' ? 'Hide the histogram' : 'Show the histogram'}
                  title="Histogram"
                  aria-pressed={prefs.histogram === 'shown'}
                  onClick={() => setPref('histogram', prefs.histogram === 'shown' ? 'hidden' : 'shown')}
                >
                  <ChartColumn size={15} aria-hidden />
                </button>
                {!phone && <ColumnMenu columns={columns} onColumns={setColumns} />}
                <button type="button" className="button quiet hide-phone" title="Copy a link to this search, with its times as they are now" onClick={() => void copyText(sharedLink(search, histogram.data), 'Link')}>
                  <LinkIcon size={14} aria-hidden /> Share
                </button>
                {preset.stream === undefined && rights.may('rules.manage') && (
                  <Link to="/rules/new" search={{}} className="button quiet hide-phone" title="Write a rule that finds such events as they come in">
                    <Radar size={14} aria-hidden /> New rule
                  </Link>
                )}
                <AlertOnSearch q={query} stream={preset.stream} logs={logs} />
                {rights.may('events.export') && <ExportMenu filter={filter} order={order} columns={columns} newest={[preset.stream === undefined ? status.data?.newest_event : undefined, rows[0]?.eventTime]} />}
              </div>
              {live.dropped > 0 && <p className="banner">{count(live.dropped)} events came faster than they could be shown; a search finds them.</p>}
              {live.on && live.paused && live.waiting > 0 && (
                <div className="new-events">
                  <button type="button" onClick={resume}>
                    <ArrowUp size={14} aria-hidden /> {count(live.waiting)} new {live.waiting === 1 ? 'event' : 'events'}: show
                  </button>
                </div>
              )}
              {problem?.status === 400 ? (
                <div className="state" role="alert">
                  <h2>The search cannot be read</h2>
                  <p><Words text={problem.message} /></p>
                  {problem.position !== undefined && (
                    <pre className="mono query-mark" aria-hidden>
                      {query}
                      {'\n'}
                      {' '.repeat(problem.position)}
                      <span>{'^'.repeat(problem.length)}</span>
                    </pre>
                  )}
                  {problem.expected.length > 0 && <p className="muted">Expected: {problem.expected.join(', ')}</p>}
                  <div className="state-actions">
                    <button type="button" className="button primary" onClick={() => bar.current?.focus()}>
                      Change the search
                    </button>
                    <button type="button" className="button" onClick={() => change({ q: undefined, from: undefined, to: undefined })}>
                      Start over
                    </button>
                  </div>
                </div>
              ) : list.isError && rows.length === 0 ? (
                <Trouble error={list.error} onRetry={again} />
              ) : list.isPending ? (
                skeleton && <TableSkeleton />
              ) : rows.length === 0 ? (
                live.on ? <p className="state muted">Waiting for events that match…</p> : <NothingMatches filter={filter} resolved={resolved} onRange={setRange} onQuery={setQuery} />
              ) : (
                <>
                  {list.isError && (
                    <p className="banner error" role="alert">
                      {list.error.message}{' '}
                      <button type="button" className="link-button" onClick={isFetchNextPageError ? () => void fetchNextPage() : again}>
                        Try again
                      </button>
                    </p>
                  )}
                  <EventTable
                    ref={table}
                    rows={rows}
                    total={total}
                    columns={columns}
                    onColumns={setColumns}
                    order={order}
                    onOrder={() => change({ order: order === 'desc' ? 'asc' : undefined, live: undefined })}
                    opened={search.event}
                    onOpen={openRow}
                    hasMore={list.hasNextPage}
                    loadingMore={list.isFetchingNextPage}
                    onMore={more}
                    stale={stale}
                    onScrolled={onScrolled}
                  />
                </>
              )}
            </>
          )}
        </section>

        {search.event && (
          <Drawer
            id={search.event}
            row={rows.find((event) => event.record.id === search.event)}
            tab={search.tab ?? 'summary'}
            onTab={(tab) => change({ tab: tab === 'summary' ? undefined : tab }, true)}
            onClose={close}
            onMove={(by) => table.current?.move(by)}
          />
        )}
        {sheet && narrow && (
          <Dialog title="Facets" className="sheet" onClose={() => setSheet(false)}>
            {facetPanel}
            <button type="button" className="button primary sheet-done" onClick={() => setSheet(false)}>
              {total === undefined ? 'Show' : `Show ${count(total)} events`}
            </button>
          </Dialog>
        )}
        {asked && (
          <ValueMenu
            asked={asked}
            onClose={() => setAsked(undefined)}
            onFilter={filterBy}
            onAddColumn={addColumn}
          />
        )}
      </div>
    </ActionsContext>
  )
}

/** A point in time in one spelling; undefined for relative ones. */
function absolute(time: string | undefined): string | undefined {
  const parsed = pointMs(time)
  return parsed === undefined ? undefined : new Date(parsed).toISOString()
}

function TableSkeleton() {
  return (
    <div className="table-skeleton" aria-hidden>
      {Array.from({ length: 18 }, (_, index) => (
        <i key={index} />
      ))}
    </div>
  )
}

