/** What an exception would have silenced, before it is made: the rules run over what is stored, with it and without. */
import { useQueries, type UseQueryOptions } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { LoaderCircle } from 'lucide-react'
import { rules } from '../api/rules'
import type { Backtest, EventConditions } from '../api/shapes'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { useSettled } from '../ui/hooks'
import { count } from '../ui/number'
import { noiseText } from './backtestRange'
import { conditionQuery } from './conditionQuery'
import { Hits } from './Hits'
import { useExceptions } from './queries'
import { conditionProblem, eventsOf, type Condition } from './ruleForm'

const SETTLE_MS = 600
const DAYS = 30
/** The server runs one at a time; more would keep people waiting. */
const RULES_MAX = 4
/** An answer about a month does not change in a few minutes. */
const STALE_MS = 300_000

interface ExceptionPreviewProps {
  /** Ids of the rules that it is for. */
  of: string[]
  isAll: boolean
  conditions: Condition[]
}

type Preview = UseQueryOptions<Backtest>
const preview = (id: string, exception: EventConditions | undefined): Preview => ({
  queryKey: ['exception-preview', id, exception === undefined ? '' : JSON.stringify(exception)],
  queryFn: ({ signal }) => rules.backtest({ id, from: `now-${DAYS}d`, ...(exception === undefined ? {} : { exception }) }, signal),
  retry: false,
  staleTime: STALE_MS,
})

export function ExceptionPreview({ of, isAll, conditions }: ExceptionPreviewProps) {
  const { rights } = useSigned()
  const asked = JSON.stringify([of, conditions])
  const settled = useSettled(asked, SETTLE_MS)
  const [ids, said] = JSON.parse(settled) as [string[], Condition[]]
  const isAsked = !isAll && ids.length > 0 && ids.length <= RULES_MAX && said.every((condition) => conditionProblem(condition) === undefined) && rights.mayAny(READS_EVENTS)
  const exceptions = useExceptions().data ?? []
  // What others silence already is not this one's doing.
  const isShared = exceptions.some((exception) => !exception.is_ended && (exception.rules.length === 0 || exception.rules.some((rule) => ids.includes(rule))))
  const events = isAsked ? eventsOf(said) : undefined
  const tried = useQueries({ queries: isAsked ? ids.map((id) => preview(id, events)) : [] })
  const before = useQueries({ queries: isAsked && isShared ? ids.map((id) => preview(id, undefined)) : [] })

  const body = (() => {
    if (isAll) return <p className="muted">What an exception of every rule would have silenced cannot be counted beforehand. Choose a rule to see it.</p>
    if (of.length > RULES_MAX) return <p className="muted">It is counted for at most {RULES_MAX} rules at once.</p>
    if (!rights.mayAny(READS_EVENTS)) return <p className="muted">What it would have silenced is only shown to those who may read events.</p>
    if (of.length === 0 || conditions.some((condition) => conditionProblem(condition) !== undefined)) return <p className="muted">Once it has a rule and conditions, here stands what it would have silenced.</p>
    const failed = [...tried, ...before].find((query) => query.isError)
    if (failed?.error) return <p className="warn">What it would have silenced is not known: {failed.error.message}</p>
    if (asked !== settled || tried.length === 0 || [...tried, ...before].some((query) => query.data === undefined)) {
      return (
        <p className="muted preview-wait">
          <LoaderCircle size={13} className="spinning" aria-hidden /> Counting what it would have silenced…
        </p>
      )
    }
    return <Told tried={tried.flatMap((query) => query.data ?? [])} before={before.flatMap((query) => query.data ?? [])} conditions={said} />
  })()
  return (
    <section className="exception-preview" aria-label="What it would have silenced" aria-live="polite">
      {body}
    </section>
  )
}

function Told({ tried, before, conditions }: { tried: Backtest[]; before: Backtest[]; conditions: Condition[] }) {
  const sum = (reports: Backtest[], of: 'matches' | 'silenced' | 'findings'): number => reports.reduce((total, report) => total + report[of], 0)
  const matches = sum(tried, 'matches')
  const already = sum(before, 'silenced')
  const silenced = Math.max(0, sum(tried, 'silenced') - already)
  const left = sum(tried, 'findings')
  const query = conditionQuery(conditions)
  const known = new Set(before.flatMap((report) => report.samples.filter((sample) => sample.is_silenced).map((sample) => `${sample.time} ${sample.evidence.at(-1) ?? ''}`)))
  const samples = tried.flatMap((report) => report.samples).filter((sample) => sample.is_silenced && !known.has(`${sample.time} ${sample.evidence.at(-1) ?? ''}`))
  const stopped = tried.find((report) => report.stopped_at != null)
  return (
    <>
      <p>
        {matches === 0 ? (
          <>It matched nothing in the last {DAYS} days, so nothing would have been silenced.</>
        ) : (
          <>
            Would have silenced <strong className="tabular">{count(silenced)}</strong> of <strong className="tabular">{count(matches)}</strong> {matches === 1 ? 'match' : 'matches'} in the last {DAYS} days.
          </>
        )}
        {already > 0 && <span className="muted"> {count(already)} {already === 1 ? 'is' : 'are'} silenced by others already.</span>}
      </p>
      {matches > 0 && (
        <p className="muted">
          {silenced === 0
            ? 'No match has all of this; look at the fields and values.'
            : silenced + already >= matches
              ? 'Nothing would be left: if that is meant, switch the rule off instead.'
              : `${count(left)} ${left === 1 ? 'finding' : 'findings'} would be left, ${noiseText(left / DAYS)}.`}
        </p>
      )}
      {stopped && <p className="warn">A minute was not enough for all {DAYS} days; this is up to {stopped.stopped_at?.slice(0, 10)}.</p>}
      <div className="preview-more">
        {samples.length > 0 && (
          <details className="differing">
            <summary>{samples.length < silenced ? `The first ${samples.length} of them` : samples.length === 1 ? 'Which one' : 'Which ones'}</summary>
            <Hits samples={samples.map((sample) => ({ ...sample, is_silenced: false }))} isApart />
          </details>
        )}
        {silenced > 0 && query !== undefined && (
          <Link to="/activity" search={{ q: query, from: `now-${DAYS}d` }} target="_blank" className="link-button">
            All such events in Activity
            <span className="visually-hidden">, in a new tab</span>
          </Link>
        )}
      </div>
    </>
  )
}
