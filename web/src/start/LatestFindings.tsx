/** The newest findings, told or silenced, each with the way to its event, its rule and its alert. */
import { Link } from '@tanstack/react-router'
import { BellOff, Siren } from 'lucide-react'
import { visible } from '../activity/event'
import { FOUND } from '../activity/preset'
import { hoverTime, relative } from '../activity/time'
import { withShortIds } from '../alerts/words'
import type { Alert, AuditEvent } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { useSigned } from '../session/me'
import { useNow } from '../ui/hooks'
import { alertOf, findingOf } from './finding'

const FROM = 'now-30d'
const DAY_MS = 86_400_000

export function LatestFindings({ events, alerts }: { events: readonly AuditEvent[]; alerts: readonly Alert[] }) {
  const { rights } = useSigned()
  const now = useNow()
  if (events.length === 0) return <p className="empty-line">Nothing yet. What a rule finds stands here seconds after it came in.</p>
  return (
    <ol className="start-findings">
      {events.map((event) => {
        const finding = findingOf(event)
        const alert = alertOf(finding, alerts)
        const from = now - Date.parse(finding.at) > 29 * DAY_MS ? 'all' : FROM
        return (
          <li key={finding.id} className={`start-finding${finding.isSilenced ? ' is-silenced' : ''}`}>
            <LevelBadge level={finding.level} />
            <div className="start-finding-said">
              <Link to="/activity" search={{ stream: 'findings', q: FOUND, from, event: finding.id }} preload={false} className="start-finding-sentence">
                {withShortIds(visible(finding.sentence))}
              </Link>
              <span className="start-finding-facts muted small">
                {finding.rule !== undefined && rights.may('rules.read') ? (
                  <Link to="/rules/rule/$id" params={{ id: finding.rule }} search={{}} preload={false} title="The rule that found it">
                    {visible(finding.title)}
                  </Link>
                ) : (
                  <span>{finding.rule === undefined ? `reported by ${visible(finding.title)}` : visible(finding.title)}</span>
                )}
                {finding.isSilenced && (
                  <span className="tag with-icon">
                    <BellOff size={11} aria-hidden /> silenced
                  </span>
                )}
                {alert && (
                  <Link to="/alerts/$id" params={{ id: alert.id }} search={{}} preload={false} className="start-finding-alert">
                    <Siren size={12} aria-hidden /> Alert
                  </Link>
                )}
              </span>
            </div>
            <time className="muted small" dateTime={finding.at} title={hoverTime(finding.at)}>
              {relative(finding.at, now)}
            </time>
          </li>
        )
      })}
    </ol>
  )
}
