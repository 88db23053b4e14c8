/** What waits for somebody, the gravest first. */
import { Link } from '@tanstack/react-router'
import { CircleCheck, UserRound } from 'lucide-react'
import { visible } from '../activity/event'
import { hoverTime, relative } from '../activity/time'
import { usePeople } from '../alerts/people'
import { beyondTitle, withShortIds } from '../alerts/words'
import type { Alert, AlertCounts } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { useNow } from '../ui/hooks'
import { count } from '../ui/number'
import { gravest } from './finding'

const SHOWN = 4
const STANDS = [['open', undefined, 'open'], ['acknowledged', 'acknowledged', 'looked at'], ['resolved', 'resolved', 'resolved']] as const

export function OpenAlerts({ counts, alerts }: { counts: AlertCounts; alerts: readonly Alert[] }) {
  const open = alerts.filter((alert) => alert.status === 'open')
  return (
    <>
      <ul className="alert-counts" aria-label="Alerts by where they stand">
        {STANDS.map(([status, search, label]) => (
          <li key={status}>
            <Link to="/alerts" search={search === undefined ? {} : { status: search }} preload={false} className={`alert-count${status === 'open' && counts.open > 0 ? ' is-waiting' : ''}`}>
              <strong>{count(counts[status])}</strong>
              <span>{label}</span>
            </Link>
          </li>
        ))}
      </ul>
      {open.length === 0 ? (
        <p className="empty-line">
          <CircleCheck size={15} className="good" aria-hidden /> No alert is open.
        </p>
      ) : (
        <ol className="start-alerts" aria-label="The gravest open alerts">
          {gravest(open, SHOWN).map(({ alert, more }) => (
            <AlertRow key={alert.id} alert={alert} more={more} />
          ))}
        </ol>
      )}
    </>
  )
}

function AlertRow({ alert, more }: { alert: Alert; more: number }) {
  const now = useNow()
  const { mine, name } = usePeople()
  return (
    <li>
      <Link to="/alerts/$id" params={{ id: alert.id }} search={{}} preload={false} className="start-alert">
        <span className="start-alert-head">
          <LevelBadge level={alert.severity} />
          {alert.assignee !== null && (
            <span className="tag with-icon">
              <UserRound size={11} aria-hidden /> {mine(alert.assignee) ? 'you' : (alert.assignee_name ?? name(alert.assignee))}
            </span>
          )}
          <span className="spring" />
          <time className="muted small" dateTime={alert.last_at} title={hoverTime(alert.last_at)}>
            {relative(alert.last_at, now)}
          </time>
        </span>
        <span className="start-alert-title">
          {visible(alert.rule_title)} {more > 0 && <span className="tag">and {count(more)} alike</span>}
        </span>
        <span className="start-alert-says muted small">{withShortIds(visible(beyondTitle(alert.rule_title, alert.sentence)))}</span>
      </Link>
    </li>
  )
}
