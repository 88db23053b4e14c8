import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { ArrowUp, Inbox as InboxIcon, PartyPopper, UserRound } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { AlertFilter } from '../api/alerts'
import type { AlertPage } from '../api/shapes'
import { LEVELS } from '../rules/words'
import { isFocusLost } from '../ui/focus'
import { useDelayed, useNow, useShortcuts } from '../ui/hooks'
import { Trouble } from '../ui/Trouble'
import { useActing } from './acting'
import { AlertLine } from './AlertLine'
import { BulkBar } from './BulkBar'
import { RefusedBanner } from './RefusedBanner'
import { neighbour, standing } from './standing'
import { useAlertList } from './queries'
import type { InboxSearch } from './Inbox'

interface AlertListProps {
  filter: AlertFilter
  open: string | undefined
  /** A dialog is open: keys belong to it. */
  isAsking: boolean
  onOpen: (id: string | undefined, replace: boolean) => void
  onFilter: (change: { [Name in keyof InboxSearch]: InboxSearch[Name] | undefined }) => void
}

const NO_FILTER = { severity: undefined, assignee: undefined, rule: undefined }

export function AlertList({ filter, open, isAsking, onOpen, onFilter }: AlertListProps) {
  const { list, poll } = useAlertList(filter)
  const acting = useActing()
  const now = useNow()
  const waiting = useDelayed(list.isPending)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [cursor, setCursor] = useState<string | undefined>(open)
  const scroll = useRef<HTMLDivElement>(null)
  const shown = useMemo(() => list.data?.pages.flatMap((page) => page.alerts) ?? [], [list.data])
  const { lines, fresh } = useMemo(() => standing(shown, poll.data, list.hasNextPage), [shown, poll.data, list.hasNextPage])
  const ids = lines.map((line) => line.alert.id)
  const picked = lines.filter((line) => chosen.has(line.alert.id)).map((line) => line.alert)
  const isEmpty = list.isSuccess && lines.length === 0
  const isOld = list.data !== undefined && (poll.isError || (list.isError && !list.isFetchNextPageError))
  const { refetch, isFetching } = list
  // The line that had the focus when a key acted on it.
  const [actedOn, setActedOn] = useState<string | undefined>()
  const hasLeft = actedOn !== undefined && !ids.includes(actedOn)
  const isPicking = picked.length > 0
  const last = useRef({ hasLeft, isPicking })
  const focusLine = (id: string): void => scroll.current?.querySelector<HTMLElement>(`[data-alert="${CSS.escape(id)}"] .alert-open`)?.focus()
  useEffect(() => {
    // It, or the bar of those chosen, is gone with the focus: the line that keys are about now gets it.
    const isGone = (hasLeft && !last.current.hasLeft) || (last.current.isPicking && !isPicking)
    last.current = { hasLeft, isPicking }
    const next = cursor !== undefined && ids.includes(cursor) ? cursor : ids[0]
    if (isGone && next !== undefined && isFocusLost()) focusLine(next)
  })
  // Nobody reads an empty list: what comes is shown at once.
  const comesByItself = isEmpty && fresh > 0 && !isFetching
  useEffect(() => {
    if (comesByItself) void refetch()
  }, [comesByItself, refetch])

  const take = (): void => {
    scroll.current?.scrollTo({ top: 0 })
    void refetch()
  }
  const toggle = (id: string): void =>
    setChosen((before) => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  const move = (step: 1 | -1): void => {
    // What was just acted on may have left the list: its place is where to go on.
    const from = cursor !== undefined && ids.includes(cursor) ? cursor : open !== undefined && ids.includes(open) ? open : undefined
    const next = neighbour(ids, from, step)
    if (next === undefined) return
    setCursor(next)
    focusLine(next)
    if (open !== undefined) onOpen(next, true)
  }
  /** What keys are about: those chosen, else the line with the focus, else the one that is open. */
  const meant = (): typeof picked => {
    if (picked.length > 0) return picked
    const id = cursor !== undefined && ids.includes(cursor) ? cursor : open
    return lines.filter((line) => line.alert.id === id).map((line) => line.alert)
  }
  const act = (deed: (alerts: typeof picked) => void) => (event: KeyboardEvent) => {
    const alerts = meant()
    if (isAsking || acting.reason !== undefined || acting.isBusy || alerts.length === 0) return
    event.preventDefault()
    // The line may leave; the next one takes its turn.
    const [first] = alerts
    setActedOn(document.activeElement?.closest('[data-alert]') ? first?.id : undefined)
    const after = first && neighbour(ids, first.id, 1)
    if (after !== undefined && alerts.length === 1 && after !== first?.id && filter.status !== undefined) setCursor(after)
    deed(alerts)
  }
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    o: () => {
      const id = cursor !== undefined && ids.includes(cursor) ? cursor : ids[0]
      if (id !== undefined) onOpen(id, false)
    },
    a: act(acting.acknowledge),
    r: act((alerts) => acting.ask('resolve', alerts)),
    x: () => {
      const id = cursor ?? open
      if (id !== undefined && acting.reason === undefined) toggle(id)
    },
    Escape: () => {
      if (chosen.size > 0) setChosen(new Set())
      else if (open !== undefined) onOpen(undefined, false)
    },
  })

  return (
    <section className="inbox-list" aria-label="List of alerts">
      <h1 className="visually-hidden">Alerts</h1>
      {picked.length > 0 ? (
        <BulkBar
          chosen={picked}
          total={lines.length}
          onAll={() => setChosen(new Set(ids))}
          onClear={() => setChosen(new Set())}
        />
      ) : (
        <Filters filter={filter} onFilter={onFilter} />
      )}
      <RefusedBanner refused={acting.refused.filter((one) => one.alert.id !== open)} />
      {isOld && (
        <p className="banner error inbox-banner" role="alert">
          This may be out of date: {(list.error ?? poll.error)?.message}
        </p>
      )}
      <div className="inbox-scroll" ref={scroll} aria-busy={list.isFetching}>
        <div role="status" className="inbox-fresh">
          {fresh > 0 && !isEmpty && (
            <button type="button" className="button small primary" onClick={take}>
              <ArrowUp size={13} aria-hidden /> {fresh === 1 ? '1 new alert' : `${fresh} new alerts`}: show
            </button>
          )}
        </div>
        {list.isError && shown.length === 0 ? (
          <Trouble error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          waiting && <Skeleton />
        ) : isEmpty ? (
          <NoAlerts filter={filter} onFilter={onFilter} />
        ) : (
          <ul className="alert-lines" aria-label="Alerts">
            {lines.map(({ alert, isGone }) => (
              <AlertLine
                key={alert.id}
                alert={alert}
                now={now}
                isOpen={alert.id === open}
                isGone={isGone}
                isMixed={filter.status === undefined}
                isChosen={chosen.has(alert.id)}
                onChoose={acting.reason === undefined ? () => toggle(alert.id) : undefined}
                onFocus={() => setCursor(alert.id)}
              />
            ))}
          </ul>
        )}
        {list.isFetchNextPageError && (
          <p className="banner error inbox-banner" role="alert">
            Older ones did not come: {list.error.message}
          </p>
        )}
        {list.hasNextPage && (
          <button type="button" className="button older" aria-disabled={list.isFetchingNextPage} onClick={() => !list.isFetchingNextPage && void list.fetchNextPage()}>
            {list.isFetchingNextPage ? 'Loading…' : 'Older'}
          </button>
        )}
      </div>
    </section>
  )
}

function Filters({ filter, onFilter }: Pick<AlertListProps, 'filter' | 'onFilter'>) {
  const client = useQueryClient()
  // Of those alerts that were looked at; the page of a rule leads to its own.
  const [rules, setRules] = useState(() => rulesSeen(client))
  const look = (): void => setRules(rulesSeen(client))
  if (filter.rule !== undefined && !rules.has(filter.rule)) setRules(new Map([...rules, [filter.rule, filter.rule]]))
  const isMine = filter.assignee === 'me'
  return (
    <div className="inbox-filters">
      <select className="field-input" aria-label="Severity" data-chosen={filter.severity !== undefined} value={filter.severity ?? ''} onChange={(event) => onFilter({ severity: event.target.value === '' ? undefined : event.target.value })}>
        <option value="">All severities</option>
        {LEVELS.map((level) => (
          <option key={level} value={level}>
            {level === 'critical' ? 'critical only' : level === 'informational' ? 'informational and graver' : `${level} and graver`}
          </option>
        ))}
      </select>
      <select className="field-input" aria-label="Rule" data-chosen={filter.rule !== undefined} value={filter.rule ?? ''} onFocus={look} onPointerDown={look} onChange={(event) => onFilter({ rule: event.target.value === '' ? undefined : event.target.value })}>
        <option value="">All rules</option>
        {[...rules].sort(([, a], [, b]) => a.localeCompare(b)).map(([id, title]) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
      <button type="button" className="code-button mine-button" aria-pressed={isMine} title="Only those that were given to me" onClick={() => onFilter({ assignee: isMine ? undefined : 'me' })}>
        <UserRound size={13} aria-hidden /> Mine
      </button>
    </div>
  )
}

/** Titles of the rules of all alerts that were loaded, by id. */
function rulesSeen(client: QueryClient): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, list] of client.getQueriesData<InfiniteData<AlertPage>>({ queryKey: ['alerts', 'list'] })) {
    for (const alert of list?.pages.flatMap((page) => page.alerts) ?? []) found.set(alert.rule_id, alert.rule_title)
  }
  return found
}

function NoAlerts({ filter, onFilter }: Pick<AlertListProps, 'filter' | 'onFilter'>) {
  const isNarrow = filter.severity !== undefined || filter.assignee !== undefined || filter.rule !== undefined
  const Icon = filter.status === 'open' && !isNarrow ? PartyPopper : InboxIcon
  return (
    <div className="state inbox-empty">
      <Icon size={28} aria-hidden />
      <h2>{isNarrow ? 'No alert is like that' : filter.status === 'open' ? 'Nothing is open' : filter.status === undefined ? 'No alerts yet' : `Nothing is ${filter.status}`}</h2>
      <p className="muted">
        {isNarrow
          ? 'Other alerts may be here without the limits above.'
          : filter.status === 'open'
            ? 'Findings of medium severity and above come here, and to the channels under Settings, Notifications.'
            : filter.status === 'acknowledged'
              ? 'Acknowledge an alert to tell others that you look at it.'
              : filter.status === 'resolved'
                ? 'Resolve an alert when it is over; what happens again within a day opens it again.'
                : 'Rules make them, of what comes in from now on.'}
      </p>
      {isNarrow && (
        <div className="state-actions">
          <button type="button" className="button" onClick={() => onFilter(NO_FILTER)}>
            Take the limits away
          </button>
        </div>
      )}
    </div>
  )
}

function Skeleton() {
  return (
    <div className="alert-skeleton" aria-hidden>
      {Array.from({ length: 7 }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  )
}
