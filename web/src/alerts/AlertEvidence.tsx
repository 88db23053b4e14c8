/** The events that show what an alert says. */
import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { insightOf, resultOf, sentenceOf, valueAt, visible } from '../activity/event'
import { clock, hoverTime } from '../activity/time'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import type { AlertDetail, AuditEvent } from '../api/shapes'
import { searchOfRule } from '../searches/words'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Result } from '../ui/Result'
import { groupQuery, isOfInsights, withShortIds } from './words'

const FIRST = 8
const MORE = 24

export interface Evidence {
  events: { record: string; event: AuditEvent | undefined; error: Error | null }[]
  times: string[]
  total: number
  more: () => void
  /** Whether the person reads events at all. */
  mayAsk: boolean
}

/** The newest first; the rest when asked for. */
export function useEvidence(records: readonly string[]): Evidence {
  const { rights } = useSigned()
  const [shown, setShown] = useState(FIRST)
  const mayAsk = rights.mayAny(READS_EVENTS) || rights.may('audit.read')
  const some = records.slice(0, shown)
  const found = useQueries({
    queries: some.map((id) => ({ queryKey: ['event', id], queryFn: ({ signal }: { signal: AbortSignal }) => api.event(id, signal), staleTime: 300_000, enabled: mayAsk })),
  })
  const events = some.map((record, at) => ({ record, event: found[at]?.data, error: found[at]?.error ?? null }))
  return { events, times: events.flatMap(({ event }) => (event ? [event.eventTime] : [])), total: records.length, more: () => setShown(shown + MORE), mayAsk }
}

export function AlertEvidence({ evidence, detail, from }: { evidence: Evidence; detail: AlertDetail; from: string }) {
  const { rights } = useSigned()
  const { events, total, more, mayAsk } = evidence
  // What a search found leads to that search, from above.
  const q = searchOfRule(detail.alert.rule_id) === undefined && !isOfInsights(detail) ? groupQuery(detail.alert.group) : ''
  const mayRead = rights.mayAny(READS_EVENTS)
  const finding = detail.finding_records[0]
  const { insight } = detail.alert
  return (
    <section className="alert-part">
      <div className="panel-head">
        <h3>Events that show it</h3>
        <span className="muted small">{total > events.length ? `the newest ${events.length} of ${count(total)}` : total === 1 ? '1 event' : `${count(total)} events`}</span>
        <span className="spring" />
        {insight !== undefined && (
          <Link to="/insights/$id" params={{ id: insight }} search={{}} preload={false} className="link-button">
            Open the insight
          </Link>
        )}
        {mayRead && q !== '' && (
          <Link to="/activity" search={{ q, from }} preload={false} className="link-button">
            All in Activity
          </Link>
        )}
      </div>
      {total === 0 ? (
        <p className="muted small">The finding names no single events{finding === undefined ? '' : `; it is kept as ${finding}`}.</p>
      ) : (
        <ol className="evidence" aria-label="Events that show it">
          {events.map(({ record, event, error }) => (
            <li key={record}>
              {event ? (
                <EvidenceEvent event={event} q={q} from={from} />
              ) : error === null && mayAsk ? (
                <div className="evidence-skeleton" aria-hidden />
              ) : (
                <p className="evidence-missing muted small">
                  <span className="mono">{record}</span> {error === null ? 'may be read by who reads events' : error instanceof Problem && error.status === 404 ? 'is no longer kept, or not for you to read' : error.message}
                </p>
              )}
            </li>
          ))}
        </ol>
      )}
      {total > events.length && (
        <button type="button" className="link-button" onClick={more}>
          Show {Math.min(MORE, total - events.length)} more
        </button>
      )}
    </section>
  )
}

/** An event that shows something, leading to where it lies among those of a search. */
export function EvidenceEvent({ event, q, from, to }: { event: AuditEvent; q: string; from: string; to?: string }) {
  const { zone } = usePrefs()
  const { day, time } = clock(event.eventTime, zone, false)
  const address = event.initiator?.host?.address
  const actor = event.initiator?.name ?? event.initiator?.id
  const insight = insightOf(event)
  const sentence = sentenceOf(event)
  const shown = (
    <>
      <time dateTime={event.eventTime} title={hoverTime(event.eventTime)} className="evidence-time">
        <span className="muted">{day}</span> {time}
      </time>
      <span className="evidence-said">
        <span className="evidence-sentence">{withShortIds(visible(sentence))}</span>
        <span className="evidence-facts muted small">
          {actor !== undefined && !sentence.includes(actor) && <span title={actor}>{visible(actor)}</span>}
          <span className="mono">{event.action}</span>
          {address !== undefined && <span className="mono">{address}</span>}
        </span>
      </span>
      {insight === undefined && <Result result={resultOf(event)} code={valueAt(event, 'reason.reasonCode')} />}
    </>
  )
  if (insight !== undefined) {
    return (
      <Link to="/insights/$id" params={{ id: insight }} search={{}} preload={false} className="evidence-event" title="Open the insight">
        {shown}
      </Link>
    )
  }
  return (
    <Link to={event.record.stream === 'audit' ? '/audit' : '/activity'} search={{ ...(event.record.stream === 'audit' ? {} : { q }), from, ...(to === undefined ? {} : { to }), event: event.record.id }} preload={false} className="evidence-event" title="Open the event">
      {shown}
    </Link>
  )
}
