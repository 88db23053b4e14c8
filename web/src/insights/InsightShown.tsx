import { getRouteApi, Link } from '@tanstack/react-router'
import { BellPlus, Link as LinkIcon, ListFilter, RotateCcw, ThumbsUp, UserCheck } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { visible } from '../activity/event'
import { withShortIds } from '../alerts/words'
import { accountOfAddress } from '../api/account'
import type { Insight } from '../api/shapes'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { useNow } from '../ui/hooks'
import { copyText } from '../ui/notice'
import { count } from '../ui/number'
import { When } from '../ui/When'
import { Band } from './Band'
import { Contributors } from './Contributors'
import { FirstRecords } from './FirstRecords'
import { KINDS } from './kinds'
import { KindMark, SeverityMark, StateMark } from './Marks'
import { evidenceOf, statisticsOf } from './parts'
import { RecordForms } from './RecordForms'
import { useSayingHere } from './saying'
import type { TextFilter } from './search'
import { Why } from './Why'
import { deviation, deviationTitle, isExpected, lasted, likeThisQuery, rough, windowWords } from './words'

// Few insights become alerts: the page loads without the form.
const SearchDialog = lazy(() => import('../searches/SearchDialog').then((module) => ({ default: module.SearchDialog })))

const route = getRouteApi('/shell/insights/watch/$id')

function linkTo(id: string): string {
  const account = accountOfAddress()
  return `${window.location.origin}/insights/${id}${account === undefined ? '' : `?account=${encodeURIComponent(account)}`}`
}

/** What the insight is about, each leading to others about the same. */
const ABOUT: readonly [TextFilter, string][] = [['event_name', 'action'], ['event_source', 'service'], ['error_code', 'error code'], ['source_ip_address', 'address'], ['access_key_id', 'access key'], ['principal_id', 'who'], ['region', 'region']]

export function InsightShown({ insight, staleness }: { insight: Insight; staleness: string | undefined }) {
  const search = route.useSearch()
  const { rights } = useSigned()
  const now = useNow()
  const evidence = evidenceOf(insight)
  const statistics = statisticsOf(insight)
  const far = deviation(insight)
  const isAudit = evidence.stream === 'audit'
  const mayRead = isAudit ? rights.may('audit.read') : rights.mayAny(READS_EVENTS)
  return (
    <>
      <header className="alert-head">
        <div className="alert-marks">
          <SeverityMark insight={insight} />
          <StateMark state={insight.state} />
          <KindMark kind={insight.insight_type} />
          <span className="spring" />
          <button type="button" className="icon-button small" aria-label="Copy a link to this insight" title="Copy a link" onClick={() => void copyText(linkTo(insight.id), 'Link')}>
            <LinkIcon size={14} aria-hidden />
          </button>
        </div>
        <h2 className="alert-headline" title={insight.sentence}>
          {withShortIds(visible(insight.sentence))}
        </h2>
        <p className="alert-when muted small">
          <span>
            Since <When iso={insight.start} />
          </span>
          {insight.end != null ? (
            <span>
              over <When iso={insight.end} />, after {lasted(insight, now)}
            </span>
          ) : (
            <span>
              goes on, {lasted(insight, now)} by now; counted up to <When iso={insight.until} />
            </span>
          )}
        </p>
        <Deeds insight={insight} events={mayRead ? { to: isAudit ? '/audit' : '/activity', q: evidence.query, from: evidence.from, until: evidence.to, total: evidence.count } : undefined} />
      </header>
      {staleness !== undefined && (
        <p className="banner error" role="alert">
          This may be out of date: {staleness}
        </p>
      )}
      <Said insight={insight} />
      <div className="alert-columns">
        <div className="alert-main">
          <Band insight={insight} period={search.period === '60' ? 60 : search.period === '3600' ? 3600 : 300} />
          <Why insight={insight} />
          <Contributors insight={insight} evidence={evidence} mayRead={mayRead} />
          <FirstRecords evidence={evidence} />
          <RecordForms insight={insight} form={search.form} />
        </div>
        <div className="alert-side">
          <dl className="rows alert-facts">
            {far !== undefined && (
              <div>
                <dt>Usual ×</dt>
                <dd>
                  <strong>{far}</strong> <span className="muted small">{deviationTitle(far)}</span>
                </dd>
              </div>
            )}
            <div>
              <dt>Events</dt>
              <dd>
                {count(insight.count)}
                {statistics.expectedCount > 0 && <span className="muted small"> against {rough(statistics.expectedCount)} expected</span>}
              </dd>
            </div>
            {far !== undefined && statistics.average > 0 && (
              <div>
                <dt>A minute</dt>
                <dd>
                  {rough(statistics.average)}
                  <span className="muted small"> against {rough(statistics.expectedAverage)} expected</span>
                </dd>
              </div>
            )}
            {far !== undefined && statistics.peak > 0 && (
              <div>
                <dt>Peak</dt>
                <dd>
                  {rough(statistics.peak)}
                  <span className="muted small"> in 5 minutes, against {rough(statistics.peakExpected)} expected</span>
                </dd>
              </div>
            )}
            {far !== undefined && statistics.baselineAverage !== undefined && (
              <div>
                <dt>Before</dt>
                <dd>
                  {rough(statistics.baselineAverage)}
                  <span className="muted small"> a minute, over {windowWords(statistics.baselineMinutes)}, nights too</span>
                </dd>
              </div>
            )}
            {ABOUT.map(([name, label]) => {
              const value = insight[name as Exclude<TextFilter, 'insight_object'>]
              return value === null || value === undefined || value === '' ? null : (
                <div key={name}>
                  <dt className="fact-name">{label}</dt>
                  <dd>
                    <Link to="/insights" search={{ [name]: value }} preload={false} className="fact-link mono small" title={`All insights of this ${label}`}>
                      {visible(value)}
                    </Link>
                  </dd>
                </div>
              )
            })}
            <div>
              <dt>Kind</dt>
              <dd className="small">{KINDS[insight.insight_type].what}</dd>
            </div>
            <div>
              <dt>Source</dt>
              <dd className="mono small">{insight.source}</dd>
            </div>
          </dl>
        </div>
      </div>
    </>
  )
}

interface Events {
  to: '/audit' | '/activity'
  q: string
  from: string
  until: string
  total: number
}

function Deeds({ insight, events }: { insight: Insight; events: Events | undefined }) {
  const saying = useSayingHere()
  const { rights } = useSigned()
  const [isAlerting, setIsAlerting] = useState(false)
  const isPutAway = isExpected(insight)
  return (
    <div className="alert-deeds">
      {events && (
        <Link to={events.to} search={{ q: events.q, from: events.from, to: events.until }} preload={false} className="button primary">
          <ListFilter size={14} aria-hidden /> {events.total === 1 ? 'Show the event' : `Show the ${count(events.total)} events`}
        </Link>
      )}
      {saying.reason === undefined ? (
        <>
          {!isPutAway && (
            <button type="button" className="button" onClick={() => saying.expect(insight)}>
              <UserCheck size={14} aria-hidden /> Expected
            </button>
          )}
          {insight.verdict == null && (
            <button type="button" className="button" onClick={() => saying.praise(insight)}>
              <ThumbsUp size={14} aria-hidden /> Useful
            </button>
          )}
          {rights.may('alerts.manage') && (
            <button type="button" className="button" title="Be told by an alert of insights like this one" onClick={() => setIsAlerting(true)}>
              <BellPlus size={14} aria-hidden /> Alert on such
            </button>
          )}
        </>
      ) : (
        <p className="muted small">
          You may read insights, not say what they were: that needs <code>alerts.manage</code>.
        </p>
      )}
      {isAlerting && (
        <Suspense>
          <SearchDialog start={{ name: `${KINDS[insight.insight_type].title}: ${insight.event_name ?? insight.object}`.slice(0, 100), q: likeThisQuery(insight), stream: 'insights', severity: insight.severity === 'critical' ? 'high' : 'medium' }} onDone={() => setIsAlerting(false)} onClose={() => setIsAlerting(false)} />
        </Suspense>
      )}
    </div>
  )
}

/** What was said of it, and the way back. */
function Said({ insight }: { insight: Insight }) {
  const saying = useSayingHere()
  const { verdict, verdict_by, verdict_at, verdict_reason, expected_by } = insight
  if (verdict == null && expected_by == null) return null
  const isUseful = verdict === 'useful'
  return (
    <div className="banner insight-said" role="status">
      {isUseful ? <ThumbsUp size={15} aria-hidden /> : <UserCheck size={15} aria-hidden />}
      <p>
        {verdict != null ? (
          <>
            {verdict_by != null && verdict_by !== '' ? <strong>{visible(verdict_by)}</strong> : 'Somebody'} said that it was {isUseful ? 'useful' : 'expected'}
            {verdict_at != null && (
              <>
                {' '}
                <When iso={verdict_at} />
              </>
            )}
            {verdict_reason != null && verdict_reason !== '' && <>: “{visible(verdict_reason)}”</>}
          </>
        ) : (
          <>
            It is expected: <Link to="/insights/expected" search={{}}>a pattern</Link> covers it, so it was told to nobody.
          </>
        )}
        {verdict === 'expected' && <span className="muted"> It is left out of the list and kept.</span>}
        {isUseful && expected_by != null && (
          <span className="muted">
            {' '}
            <Link to="/insights/expected" search={{}}>A pattern</Link> covers it, so it was told to nobody.
          </span>
        )}
      </p>
      {verdict != null && saying.reason === undefined && (
        <button type="button" className="button small" disabled={saying.isBusy} onClick={() => saying.takeBack(insight)}>
          <RotateCcw size={12} aria-hidden /> Take it back
        </button>
      )}
    </div>
  )
}
