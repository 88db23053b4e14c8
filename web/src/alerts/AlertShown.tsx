import { Link } from '@tanstack/react-router'
import { BellOff, BellRing, Check, CheckCheck, Copy, Ellipsis, Link as LinkIcon, RotateCcw, ShieldOff, UserRound } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { shorten, visible } from '../activity/event'
import { hoverTime } from '../activity/time'
import { accountOfAddress } from '../api/account'
import type { AlertDetail } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { SearchChip, SearchTag } from '../searches/OfSearch'
import { searchOfRule } from '../searches/words'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { useNow } from '../ui/hooks'
import { copyText } from '../ui/notice'
import { count } from '../ui/number'
import { Ago, When } from '../ui/When'
import { useActing } from './acting'
import { AlertEvidence, useEvidence } from './AlertEvidence'
import { AlertHistory } from './AlertHistory'
import { AssignPicker } from './AssignPicker'
import { labelOf, usePeople } from './people'
import { Told } from './Told'
import { RefusedBanner } from './RefusedBanner'
import { StatusMark } from './StatusMark'
import { groupQuery, searchFrom, withShortIds } from './words'

/** Of a SHA-256: enough to tell two apart at a glance; it is copied whole. */
const VERSION_SHOWN = 17

function linkTo(id: string): string {
  const account = accountOfAddress()
  return `${window.location.origin}/alerts/${id}${account === undefined ? '' : `?account=${encodeURIComponent(account)}`}`
}

export function AlertShown({ detail, staleness }: { detail: AlertDetail; staleness: string | undefined }) {
  const { alert } = detail
  const { rights } = useSigned()
  const { mine, name } = usePeople()
  const acting = useActing()
  const now = useNow()
  const evidence = useEvidence(detail.evidence)
  const readsEvents = rights.mayAny(READS_EVENTS)
  const from = searchFrom(alert.opened_at, evidence.times)
  const isSilent = alert.silenced_until !== null && Date.parse(alert.silenced_until) > now
  const sentence = visible(alert.sentence)
  const search = searchOfRule(alert.rule_id)
  const assignee = alert.assignee === null ? null : (alert.assignee_name ?? name(alert.assignee))
  return (
    <>
      <header className="alert-head">
        <div className="alert-marks">
          <LevelBadge level={alert.severity} />
          <StatusMark status={alert.status} />
          {search !== undefined ? (
            <SearchTag id={search} title={alert.rule_title} />
          ) : rights.may('rules.read') ? (
            <Link to="/rules/rule/$id" params={{ id: alert.rule_id }} search={{}} preload={false} className="tag tag-line alert-rule" title="The rule that found it">
              {alert.rule_title}
            </Link>
          ) : (
            <span className="tag tag-line alert-rule">{alert.rule_title}</span>
          )}
          <span className="spring" />
          <button type="button" className="icon-button small" aria-label="Copy a link to this alert" title="Copy a link" onClick={() => void copyText(linkTo(alert.id), 'Link')}>
            <LinkIcon size={14} aria-hidden />
          </button>
        </div>
        <h2 className="alert-headline" title={alert.sentence}>
          {withShortIds(sentence)}
        </h2>
        <p className="alert-when muted small">
          <span>
            Latest <Ago iso={alert.last_at} />
          </span>
          <span>
            open since <When iso={alert.opened_at} />
          </span>
          <span>
            {count(alert.findings)} {alert.findings === 1 ? 'finding' : 'findings'}, {count(alert.matches)} {alert.matches === 1 ? 'match' : 'matches'}
          </span>
        </p>
        {search !== undefined && <SearchChip alert={alert} from={from} />}
        {search === undefined && alert.group.length > 0 && (
          <ul className="chips alert-chips" aria-label="What its findings have in common">
            {alert.group.map((pair) => {
              const text = (
                <span className="chip-text">
                  <span className="chip-name">{pair.key}</span>
                  <span className="chip-sign">=</span>
                  {visible(pair.value)}
                </span>
              )
              return (
                <li key={pair.key}>
                  {pair.value === alert.insight ? (
                    <Link to="/insights/$id" params={{ id: pair.value }} search={{}} preload={false} className="chip" title="Open the insight">
                      {text}
                    </Link>
                  ) : readsEvents ? (
                    <Link to="/activity" search={{ q: groupQuery([pair]), from }} preload={false} className="chip" title={`Events of ${pair.value} in Activity`}>
                      {text}
                    </Link>
                  ) : (
                    <span className="chip">{text}</span>
                  )}
                </li>
              )
            })}
          </ul>
        )}
        {acting.reason === undefined ? (
          <Deeds detail={detail} isSilent={isSilent} />
        ) : (
          <p className="muted small">You may read alerts, not act on them: that needs <code>alerts.manage</code>.</p>
        )}
      </header>
      <RefusedBanner refused={acting.refused.filter((one) => one.alert.id === alert.id)} />
      {staleness !== undefined && (
        <p className="banner error" role="alert">
          This may be out of date: {staleness}
        </p>
      )}
      {isSilent && alert.silenced_until !== null && (
        <p className="banner alert-banner">
          <BellOff size={14} aria-hidden /> No channel is told of it until <time dateTime={alert.silenced_until} title={hoverTime(alert.silenced_until)}><When iso={alert.silenced_until} /></time>
        </p>
      )}
      <div className="alert-columns">
        <div className="alert-main">
          <AlertEvidence evidence={evidence} detail={detail} from={from} />
          <AlertHistory detail={detail} />
        </div>
        <div className="alert-side">
          <dl className="rows alert-facts">
            <div>
              <dt>For</dt>
              <dd>
                {acting.reason === undefined ? (
                  <AssignPicker current={alert.assignee} onAssign={(to) => acting.assign([alert], to)}>
                    <button type="button" className="link-button assignee" aria-label={`For ${assignee ?? 'nobody in particular'}: give it to somebody`}>
                      <UserRound size={13} aria-hidden /> {assignee === null ? 'Give it to somebody' : mine(alert.assignee) ? `you (${assignee})` : assignee}
                    </button>
                  </AssignPicker>
                ) : (
                  (assignee ?? <span className="muted">nobody in particular</span>)
                )}
              </dd>
            </div>
            {alert.escalated_at !== null && (
              <div>
                <dt>Told again</dt>
                <dd>
                  <When iso={alert.escalated_at} />
                </dd>
              </div>
            )}
            {search === undefined && (
              <div>
                <dt>Kind</dt>
                <dd className="mono small wrap">{alert.finding_type}</dd>
              </div>
            )}
            {detail.rule_version !== null && (
              <div>
                <dt>Rule’s version</dt>
                <dd>
                  <span className="rule-version">
                    <code className="small">{shorten(detail.rule_version, VERSION_SHOWN)}</code>
                    <button type="button" className="icon-button small" aria-label="Copy the whole version" title={detail.rule_version} onClick={() => void copyText(detail.rule_version ?? '', 'Version')}>
                      <Copy size={13} aria-hidden />
                    </button>
                  </span>
                  <p className="muted small">The SHA-256 of its text at the newest finding.</p>
                </dd>
              </div>
            )}
          </dl>
          <Told deliveries={detail.deliveries} />
        </div>
      </div>
    </>
  )
}

function Deeds({ detail: { alert }, isSilent }: { detail: AlertDetail; isSilent: boolean }) {
  const acting = useActing()
  const { rights } = useSigned()
  const { me, mine } = usePeople()
  const isResolved = alert.status === 'resolved'
  // A rule has exceptions; a search is written anew.
  const mayExcept = rights.may('rules.manage') && searchOfRule(alert.rule_id) === undefined
  return (
    <div className="alert-deeds">
      {alert.status === 'open' && (
        <button type="button" className="button primary" disabled={acting.isBusy} onClick={() => acting.acknowledge([alert])}>
          <Check size={14} aria-hidden /> Acknowledge
        </button>
      )}
      {isResolved ? (
        <button type="button" className="button" disabled={acting.isBusy} onClick={() => acting.reopen(alert)}>
          <RotateCcw size={14} aria-hidden /> Open it again
        </button>
      ) : (
        <button type="button" className={alert.status === 'open' ? 'button' : 'button primary'} disabled={acting.isBusy} onClick={() => acting.ask('resolve', [alert])}>
          <CheckCheck size={14} aria-hidden /> Resolve
        </button>
      )}
      {!mine(alert.assignee) && !isResolved && (
        <button type="button" className="button hide-phone" disabled={acting.isBusy} onClick={() => acting.assign([alert], labelOf(me.user))}>
          <UserRound size={14} aria-hidden /> Take it on
        </button>
      )}
      {mayExcept && (
        <button type="button" className="button hide-phone" onClick={() => acting.ask('exception', [alert])}>
          <ShieldOff size={14} aria-hidden /> Make an exception
        </button>
      )}
      {isSilent ? (
        <button type="button" className="button hide-phone" disabled={acting.isBusy} onClick={() => acting.unsilence(alert)}>
          <BellRing size={14} aria-hidden /> Let it tell again
        </button>
      ) : (
        !alert.is_guard && (
          <button type="button" className="button hide-phone" onClick={() => acting.ask('silence', [alert])}>
            <BellOff size={14} aria-hidden /> Silence
          </button>
        )
      )}
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="icon-button only-phone" aria-label="More to do">
          <Ellipsis size={16} aria-hidden />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
            {!mine(alert.assignee) && !isResolved && (
              <DropdownMenu.Item className="menu-item" disabled={acting.isBusy} onSelect={() => acting.assign([alert], labelOf(me.user))}>
                <UserRound size={14} aria-hidden /> Take it on
              </DropdownMenu.Item>
            )}
            {mayExcept && (
              <DropdownMenu.Item className="menu-item" onSelect={() => acting.ask('exception', [alert])}>
                <ShieldOff size={14} aria-hidden /> Make an exception
              </DropdownMenu.Item>
            )}
            {isSilent ? (
              <DropdownMenu.Item className="menu-item" disabled={acting.isBusy} onSelect={() => acting.unsilence(alert)}>
                <BellRing size={14} aria-hidden /> Let it tell again
              </DropdownMenu.Item>
            ) : (
              !alert.is_guard && (
                <DropdownMenu.Item className="menu-item" onSelect={() => acting.ask('silence', [alert])}>
                  <BellOff size={14} aria-hidden /> Silence
                </DropdownMenu.Item>
              )
            )}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </div>
  )
}
