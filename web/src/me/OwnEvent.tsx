/** One line of one's own activity: the sentence, how it ended, from where; more when opened. */
import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { resultOf, valueAt, visible } from '../activity/event'
import { clock, fullTime, hoverTime } from '../activity/time'
import type { AuditEvent } from '../api/shapes'
import { ChangedLines } from '../audit/Changed'
import { changedRows, deltaOf } from '../audit/delta'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { agentName } from '../ui/agent'
import { usePrefs } from '../ui/prefs'
import { Result } from '../ui/Result'

interface OwnEventProps {
  event: AuditEvent
  isOpen: boolean
  onToggle: () => void
  onNotMe: () => void
}

export function OwnEvent({ event, isOpen, onToggle, onNotMe }: OwnEventProps) {
  const { zone } = usePrefs()
  const address = event.initiator?.host?.address
  const { rights } = useSigned()
  return (
    <li className={`own-event${isOpen ? ' open' : ''}`}>
      <div className="own-line">
        <button type="button" className="own-open" aria-expanded={isOpen} onClick={onToggle}>
          <ChevronRight size={13} aria-hidden className={isOpen ? 'turned' : ''} />
          <time dateTime={event.eventTime} title={hoverTime(event.eventTime)} className="time-text">
            {clock(event.eventTime, zone, false).time}
          </time>
          <span className="own-sentence">{visible(event.record.summary)}</span>
          <span className="own-result">
            <Result result={resultOf(event)} code={valueAt(event, 'reason.reasonCode')} />
          </span>
          <span className="own-from mono">{address ?? <span className="muted">–</span>}</span>
        </button>
        {rights.membership?.takes_reports === true && (
          <button type="button" className="link-button not-me" aria-label={`This wasn’t me: ${event.record.summary}`} onClick={onNotMe}>
            This wasn’t me
          </button>
        )}
      </div>
      {isOpen && <OwnDetail event={event} />}
    </li>
  )
}

function OwnDetail({ event }: { event: AuditEvent }) {
  const { zone } = usePrefs()
  const { rights } = useSigned()
  const delta = deltaOf(event)
  const agent = event.initiator?.host?.agent
  const rows: [string, string | undefined, string?][] = [
    ['When', fullTime(event.eventTime, zone)],
    ['Action', event.action],
    ['On what', [event.target?.name ?? event.target?.id, event.target?.typeURI].filter(Boolean).join(' · ')],
    ['Where', [event.record.service ?? event.observer?.name, event.record.space === null ? undefined : `space ${event.record.space}`, event.record.region].filter(Boolean).join(', ')],
    ['From', [event.initiator?.host?.address, agent === undefined ? undefined : agentName(agent)].filter(Boolean).join(', '), agent],
    ['With', [event.initiator?.credential?.type, event.initiator?.credential?.id].filter(Boolean).join(' ')],
    ['Why', valueAt(event, 'reason.reasonForFailure')],
  ]
  const isAudit = event.record.stream === 'audit'
  const mayOpen = isAudit ? rights.may('audit.read') : rights.mayAny(READS_EVENTS)
  return (
    <div className="own-detail">
      <dl className="rows">
        {rows.map(([name, value, title]) =>
          value === undefined || value === '' ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd title={title}>{visible(value)}</dd>
            </div>
          ),
        )}
      </dl>
      {delta && <ChangedLines rows={changedRows(delta)} />}
      {mayOpen && (
        <Link to={isAudit ? '/audit' : '/activity'} search={{ event: event.record.id, from: 'all' }} className="link-button">
          Open in {isAudit ? 'Audit log' : 'Activity'}
        </Link>
      )}
    </div>
  )
}
