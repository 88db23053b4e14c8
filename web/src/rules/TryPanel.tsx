/** Events that are pasted, and which of them a rule finds: the same engine answers as for live events. */
import { Play, TriangleAlert } from 'lucide-react'
import { useMutation } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { rules } from '../api/rules'
import type { RuleCheck, RuleMatch } from '../api/shapes'
import { ChangeError } from '../ui/Confirm'
import { NothingOfFilters } from './NothingOfFilters'
import { EVENTS_MAX, pasted, type Pasted } from './pasted'

interface Tried {
  text: string
  events: Pasted[]
  check: RuleCheck
}

const EXAMPLE = `{"eventTime": "2026-03-02T10:00:00Z", "action": "kms.secrets.delete", "outcome": "success", "initiator": {"id": "id-alice", "name": "alice", "host": {"address": "192.0.2.10"}}, "target": {"id": "key-17", "name": "key-17", "typeURI": "kms/secrets"}}`

interface TryPanelProps {
  text: string
  /** Whether the text finds nothing itself. */
  isOnlyFilter: boolean
  events: string
  onEvents: (text: string) => void
}

export function TryPanel({ text, isOnlyFilter, events, onEvents }: TryPanelProps) {
  const id = useId()
  const [tried, setTried] = useState<Tried | undefined>()
  const list = pasted(events)
  const run = useMutation({
    mutationFn: async (): Promise<Tried> => ({ text, events: list, check: await rules.check(text, list.map((one) => one.sent), new AbortController().signal) }),
    onSuccess: setTried,
  })
  const tooMany = list.length > EVENTS_MAX
  if (isOnlyFilter) return <NothingOfFilters Icon={Play}>A filter finds nothing itself, so there is nothing to try. Once it applies, try a rule that it narrows.</NothingOfFilters>
  return (
    <form
      className="try"
      onSubmit={(event) => {
        event.preventDefault()
        run.mutate()
      }}
    >
      <label htmlFor={`${id}-events`} className="field-name">
        Events, one JSON document or line of a log each
      </label>
      <textarea
        id={`${id}-events`}
        className="field-input mono try-events"
        rows={6}
        spellCheck={false}
        placeholder='{"eventTime": "…", "action": "…", …}'
        value={events}
        onChange={(event) => onEvents(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || list.length === 0) return
          event.preventDefault()
          run.mutate()
        }}
      />
      <div className="button-row">
        <button type="submit" className="button" disabled={list.length === 0 || tooMany || text.trim() === '' || run.isPending}>
          <Play size={13} aria-hidden /> {run.isPending ? 'Trying…' : list.length > 1 ? `Try ${list.length} events` : 'Try it'}
        </button>
        {events.trim() === '' && (
          <button type="button" className="link-button" onClick={() => onEvents(EXAMPLE)}>
            Fill in an example
          </button>
        )}
        {tooMany && <span className="field-error">At most {EVENTS_MAX} events at once.</span>}
      </div>
      <ChangeError error={run.error} />
      {tried && <Outcome tried={tried} isOld={tried.text !== text} />}
    </form>
  )
}

function Outcome({ tried, isOld }: { tried: Tried; isOld: boolean }) {
  const { check, events } = tried
  if (check.rules.length === 0) {
    return (
      <p className="small bad" role="status">
        No rule could be used, so nothing was tried. Mend the mistakes beside the text first.
      </p>
    )
  }
  const byEvent = new Map<number, RuleMatch[]>()
  const elsewhere: RuleMatch[] = []
  for (const match of check.matches) {
    if (match.event_index == null || match.event_index >= events.length) elsewhere.push(match)
    else byEvent.set(match.event_index, [...(byEvent.get(match.event_index) ?? []), match])
  }
  return (
    <div className={isOld ? 'stale' : undefined}>
      <p className="small" role="status">
        <strong>{byEvent.size === 0 && elsewhere.length === 0 ? 'Nothing matches' : `${byEvent.size} of ${events.length} ${events.length === 1 ? 'event' : 'events'} matched`}</strong>
        {isOld && <span className="muted"> · before the last change of the rule</span>}
      </p>
      <ol className="tried">
        {events.map((event, at) => {
          const matches = byEvent.get(at) ?? []
          return (
            <li key={at} className={matches.length > 0 ? 'is-match' : undefined}>
              <span className="muted tabular small">line {event.line}</span>
              <span className="tried-event mono">{event.label}</span>
              <span className="tags">
                {matches.length === 0 ? (
                  <span className="muted small">no match</span>
                ) : (
                  matches.map((match, number) => (
                    <span key={number} className="tag tag-accent">
                      {match.rule_id}
                    </span>
                  ))
                )}
              </span>
              {matches.map((match, number) => match.why != null && <p key={number} className="small tried-why">{match.why}</p>)}
            </li>
          )
        })}
        {elsewhere.map((match, at) => (
          <li key={`late-${at}`} className="is-match">
            <span className="muted small">after</span>
            <span className="tried-event">{match.why ?? 'told when its time was over'}</span>
            <span className="tag tag-accent">{match.rule_id}</span>
          </li>
        ))}
      </ol>
      {byEvent.size === 0 && events.some((event) => typeof event.sent === 'string') && (
        <p className="small muted">
          <TriangleAlert size={12} aria-hidden /> Some lines are no JSON; they are read as lines of a log, and what no format fits is passed over.
        </p>
      )}
    </div>
  )
}
