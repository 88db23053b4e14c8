import { Link } from '@tanstack/react-router'
import { BellOff, Megaphone, UserRound } from 'lucide-react'
import { memo } from 'react'
import { visible } from '../activity/event'
import { hoverTime, relative } from '../activity/time'
import type { Alert } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { count } from '../ui/number'
import { usePeople } from './people'
import { StatusMark } from './StatusMark'
import { beyondTitle, withShortIds } from './words'

interface AlertLineProps {
  alert: Alert
  now: number
  isOpen: boolean
  isGone: boolean
  /** The list has alerts of every status. */
  isMixed: boolean
  isChosen: boolean
  /** Nothing where the person may only look. */
  onChoose: (() => void) | undefined
  onFocus: () => void
}

export const AlertLine = memo(
  function AlertLine({ alert, now, isOpen, isGone, isMixed, isChosen, onChoose, onFocus }: AlertLineProps) {
    const { mine, name } = usePeople()
    const isSilent = alert.silenced_until !== null && Date.parse(alert.silenced_until) > now
    return (
      <li className={`alert-line severity-${alert.severity}${isOpen ? ' is-open' : ''}${isGone || (isMixed && alert.status === 'resolved') ? ' is-gone' : ''}`} data-alert={alert.id}>
        {onChoose && (
          <label className="alert-choose">
            <input type="checkbox" checked={isChosen} aria-label={`Choose “${visible(alert.sentence)}”`} onChange={onChoose} />
          </label>
        )}
        <Link to="/alerts/$id" params={{ id: alert.id }} search={(search) => search} preload={false} className="alert-open" aria-current={isOpen ? 'true' : undefined} onFocus={onFocus}>
          <span className="alert-line-head">
            <LevelBadge level={alert.severity} />
            {isMixed && <StatusMark status={alert.status} />}
            <span className="spring" />
            <time className="muted small" dateTime={alert.last_at} title={hoverTime(alert.last_at)}>
              {relative(alert.last_at, now)}
            </time>
          </span>
          <span className="alert-title">{visible(alert.rule_title)}</span>
          <span className="alert-says">{withShortIds(visible(beyondTitle(alert.rule_title, alert.sentence)))}</span>
          <span className="alert-line-foot">
            {alert.findings > 1 && <span className="tag">{count(alert.findings)} findings</span>}
            {alert.assignee !== null && (
              <span className={`tag with-icon${mine(alert.assignee) ? ' tag-accent' : ''}`}>
                <UserRound size={11} aria-hidden />
                {mine(alert.assignee) ? 'you' : (alert.assignee_name ?? name(alert.assignee))}
              </span>
            )}
            {isSilent && (
              <span className="tag with-icon">
                <BellOff size={11} aria-hidden /> silent
              </span>
            )}
            {alert.escalated_at !== null && alert.status === 'open' && (
              <span className="tag tag-warn with-icon">
                <Megaphone size={11} aria-hidden /> waits too long
              </span>
            )}
            {isGone && <span className="tag">moved on</span>}
          </span>
        </Link>
      </li>
    )
  },
  (a, b) => a.alert === b.alert && a.now === b.now && a.isOpen === b.isOpen && a.isGone === b.isGone && a.isMixed === b.isMixed && a.isChosen === b.isChosen && (a.onChoose === undefined) === (b.onChoose === undefined),
)
