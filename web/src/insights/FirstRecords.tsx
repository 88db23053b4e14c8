/** The first events of an insight, oldest first. */
import { EvidenceEvent, useEvidence } from '../alerts/AlertEvidence'
import { Problem } from '../api/problem'
import { count } from '../ui/number'
import type { Evidence } from './parts'

export function FirstRecords({ evidence }: { evidence: Evidence }) {
  const { events, total, more, mayAsk } = useEvidence(evidence.records)
  if (total === 0) return null
  return (
    <section className="alert-part">
      <div className="panel-head">
        <h3>Its first events</h3>
        <span className="muted small">{evidence.count > events.length ? `${events.length} of ${count(evidence.count)}` : ''}</span>
      </div>
      <ol className="evidence" aria-label="Its first events">
        {events.map(({ record, event, error }) => (
          <li key={record}>
            {event ? (
              <EvidenceEvent event={event} q={evidence.query} from={evidence.from} to={evidence.to} />
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
      {total > events.length && (
        <button type="button" className="link-button" onClick={more}>
          Show {total - events.length} more
        </button>
      )}
    </section>
  )
}
