/** What came of a backtest: how much it would be, when, by whom, which events, and how that differs from the rule as it is. */
import { Link } from '@tanstack/react-router'
import { CircleCheck, SearchX, TriangleAlert } from 'lucide-react'
import { clock } from '../activity/time'
import type { Backtest, BacktestSample } from '../api/shapes'
import { exactly } from '../query/terms'
import { count, events } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Words } from '../ui/Words'
import { actorField } from './actorField'
import { barsOf, lookedAt, NOISY_PER_DAY, noiseText, perDay, type Range } from './backtestRange'
import { DayChart } from './DayChart'
import { Hits } from './Hits'
import { placeText } from './problemLines'
import type { Ran } from './useBacktest'

interface BacktestReportProps {
  ran: Ran
  /** Whether the text has further rules, so that it must be said which one this is of. */
  isOneOfMany: boolean
  /** Looks at more; not there where more cannot be chosen with one click. */
  onLonger: (() => void) | undefined
  /** Looks at what comes after the moment at which the time ran out. */
  onRest: (from: string) => void
}

export function BacktestReport({ ran, isOneOfMany, onLonger, onRest }: BacktestReportProps) {
  const { report, stored, asIs } = ran
  const range = lookedAt(ran.range, report)
  const daily = perDay(report.findings, range)
  return (
    <section className="backtest-report" aria-label="What it would have found">
      <p className="visually-hidden" role="status">
        {report.matches === 0 ? 'Nothing matched.' : `${count(report.matches)} matches, ${count(report.findings)} findings.`}
      </p>
      {isOneOfMany && (
        <p className="small">
          <span className="muted">Of</span> {report.title}
        </p>
      )}
      {report.stopped_at != null && <RanOut at={report.stopped_at} onRest={onRest} />}
      {stored === 0 && report.matches === 0 ? (
        <Nothing title="Nothing is stored of this time" onLonger={onLonger}>
          No event that you may see happened then, so this says nothing about the rule.
        </Nothing>
      ) : report.matches === 0 ? (
        <Nothing title="Nothing matched" onLonger={onLonger}>
          {report.events_read === 0 ? 'No stored event has what the rule asks for.' : `${events(report.events_read)} could have concerned the rule; what it looks for was not among them.`}
        </Nothing>
      ) : (
        <>
          <Sums report={report} asIs={asIs} range={range} />
          {daily > NOISY_PER_DAY && (
            <p className="banner warning">
              <TriangleAlert size={13} aria-hidden /> More than one an hour: people stop looking at that. Fold it longer, ask for more matches, or except what is right.
            </p>
          )}
        </>
      )}
      <Difference ran={ran} />
      {report.matches > 0 && (
        <>
          <DayChart bars={barsOf(report.days, range)} />
          <Actors ran={ran} />
          <div>
            <h3>{report.samples.length < report.matches ? `The first ${report.samples.length} matches` : 'Matches'}</h3>
            <Hits samples={report.samples} />
          </div>
        </>
      )}
      <Foot report={report} stored={stored} />
    </section>
  )
}

function RanOut({ at, onRest }: { at: string; onRest: (from: string) => void }) {
  const { zone } = usePrefs()
  const { day, time } = clock(at, zone, false)
  return (
    <div className="banner warning backtest-trouble" role="alert">
      <strong>
        <TriangleAlert size={13} aria-hidden /> The minute ran out
      </strong>
      <p>
        All of this is up to {day} {time.slice(0, 5)}; what comes after was not looked at. A shorter range, or a rule that names actions, takes less.
      </p>
      <button type="button" className="button small" onClick={() => onRest(at)}>
        Look at what comes after
      </button>
    </div>
  )
}

function Nothing({ title, children, onLonger }: { title: string; children: React.ReactNode; onLonger: (() => void) | undefined }) {
  return (
    <div className="backtest-nothing">
      <SearchX size={20} aria-hidden />
      <div>
        <strong>{title}</strong>
        <p className="muted small">{children}</p>
        {onLonger && (
          <button type="button" className="link-button" onClick={onLonger}>
            Look at 30 days
          </button>
        )}
      </div>
    </div>
  )
}

function Sums({ report, asIs, range }: { report: Backtest; asIs: Backtest | undefined; range: Range }) {
  const now = asIs && lookedAt(range, asIs)
  const rows: [name: string, value: string, before: string | undefined, hint?: string][] = [
    ['Findings', count(report.findings), asIs && count(asIs.findings)],
    ['Noise', noiseText(perDay(report.findings, range)), asIs && now && noiseText(perDay(asIs.findings, now))],
    ['Matches', count(report.matches), asIs && count(asIs.matches)],
  ]
  return (
    <>
      <dl className="backtest-sums">
        {rows.map(([name, value, before]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value}
              {before !== undefined && <span className="muted small">{before === value ? 'as now' : `now ${before}`}</span>}
            </dd>
          </div>
        ))}
      </dl>
      {report.silenced > 0 && (
        <p className="small muted">
          {count(report.silenced)} of the matches {report.silenced === 1 ? 'is' : 'are'} silenced by exceptions.
        </p>
      )}
    </>
  )
}

function Difference({ ran }: { ran: Ran }) {
  const { report, subject, asIs } = ran
  const { difference } = report
  if (!difference) {
    if (!asIs || subject.id === undefined) return null
    return <p className="small muted">There are too many matches to say which of them differ from those of the rule as it is.</p>
  }
  if (difference.added === 0 && difference.removed === 0) {
    return (
      <p className="small">
        <span className="good">
          <CircleCheck size={13} aria-hidden /> It matches just what the rule matches now.
        </span>
        {asIs && asIs.findings !== report.findings && <span className="muted"> Only what becomes a finding differs.</span>}
      </p>
    )
  }
  return (
    <div className="backtest-difference">
      <h3>Compared with the rule as it is</h3>
      <Differing sign="+" count={difference.added} samples={difference.added_samples} what="it would newly find" />
      <Differing sign="−" count={difference.removed} samples={difference.removed_samples} what="it would no longer find" />
      <p className="muted small">{difference.both === 0 ? 'Both find nothing alike.' : `${count(difference.both)} ${difference.both === 1 ? 'match is' : 'matches are'} found by both.`}</p>
    </div>
  )
}

function Differing({ sign, count: number, samples, what }: { sign: '+' | '−'; count: number; samples: BacktestSample[]; what: string }) {
  if (number === 0) {
    return (
      <p className="small muted">
        Nothing {what}.
      </p>
    )
  }
  return (
    <details className={`differing ${sign === '+' ? 'is-added' : 'is-removed'}`}>
      <summary>
        <strong className="tabular">
          {sign}
          {count(number)}
        </strong>{' '}
        {what}
      </summary>
      <Hits samples={samples} />
      {samples.length < number && <p className="muted small">The first {samples.length} of {count(number)}.</p>}
    </details>
  )
}

function Actors({ ran }: { ran: Ran }) {
  const { actors } = ran.report
  const most = actors[0]?.count ?? 1
  const field = actorField(ran.text, ran.report.rule_id)
  if (actors.length === 0) return null
  return (
    <div>
      <h3>{field === 'initiator.name' ? 'Who did it most' : `Most often, by ${field}`}</h3>
      <ol className="backtest-actors">
        {actors.map(({ name, count: number }) => (
          <li key={name} style={{ '--share': `${(number / most) * 100}%` } as React.CSSProperties}>
            <Link to={ran.subject.stream === 'audit' ? '/audit' : '/activity'} search={{ q: exactly(field, name), from: ran.range.from, to: ran.range.to }} className="wrap">
              {name}
            </Link>
            <span className="tabular muted">{count(number)}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

function Foot({ report, stored }: { report: Backtest; stored: number | undefined }) {
  const took = report.took_ms < 1000 ? `${report.took_ms} ms` : `${(report.took_ms / 1000).toFixed(1)} s`
  const isPruned = stored !== undefined && report.events_read < stored
  return (
    <div className="backtest-foot muted small">
      <p>
        Read {count(report.events_read)}
        {stored !== undefined && ` of ${count(Math.max(stored, report.events_read))}`} {report.events_read === 1 && stored === undefined ? 'event' : 'events'} of this time in {took}
        {isPruned ? ': only those that may concern the rule.' : stored !== undefined && stored > 0 ? ': the rule may concern every one.' : '.'}
      </p>
      {report.dropped > 0 && <p className="warn">{count(report.dropped)} groups or matches were let go, as memory was full: some of it may be missing.</p>}
      {report.problems.map((problem, at) => (
        <p key={at} className={problem.gravity === 'error' ? 'bad' : 'warn'}>
          {problem.rule != null && <code>{problem.rule}</code>} <Words text={problem.message} />
          <span className="muted"> {placeText(problem)}</span>
        </p>
      ))}
    </div>
  )
}
