/** What is looked at: events of today, the rules that look at them, and what waits to be set up. */
import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleDashed, Hourglass, TriangleAlert, Wrench } from 'lucide-react'
import type { DetectionStatus, Histogram, PackageSummary } from '../api/shapes'
import { usePackages, useRules } from '../rules/queries'
import { detectionText, isFilter, isUnfilled } from '../rules/words'
import { useSigned } from '../session/me'
import { useNow } from '../ui/hooks'
import { count, events } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Sparkline } from '../ui/Sparkline'
import { dayBegin } from './cards'
import { useEventsSince } from './queries'

export interface Watch {
  on: number
  all: number
  /** Nothing until it is known. */
  packages: number | undefined
  /** Packages that stay off until somebody fills them in. */
  waiting: PackageSummary[]
  problems: number
  detection: DetectionStatus | null | undefined
}

/** Nothing until it is known. Only for who may read rules. */
export function useWatch(): Watch | undefined {
  const list = useRules()
  const packages = usePackages()
  if (list.data === undefined) return undefined
  // Filters only narrow: nothing is found by them.
  const rules = list.data.rules.filter((rule) => !isFilter(rule))
  return {
    on: rules.filter((rule) => rule.is_enabled).length,
    all: rules.length,
    packages: packages.data?.packages.length,
    waiting: packages.data?.packages.filter((one) => one.needs_configuration && !one.is_enabled && isUnfilled(one)) ?? [],
    problems: list.data.problems.length,
    detection: list.data.detection,
  }
}

export function watchText({ on, packages }: Watch): string {
  if (on === 0) return 'No rule is on, so nothing can be found.'
  return `${count(on)} ${on === 1 ? 'rule looks' : 'rules look'} at every event that comes in${packages !== undefined && packages > 0 ? `, from ${count(packages)} ${packages === 1 ? 'package' : 'packages'}` : ''}.`
}

export function Watched() {
  const { rights } = useSigned()
  return (
    <section className="panel start-part" aria-label="What is looked at">
      <header className="start-part-head">
        <h2>What is looked at</h2>
      </header>
      <EventsToday />
      {rights.may('rules.read') && <Rules />}
    </section>
  )
}

function EventsToday() {
  const { zone } = usePrefs()
  const from = dayBegin(useNow(), zone)
  const histogram = useEventsSince(from)
  return (
    <div className="watch-line watch-events">
      {histogram.data ? (
        <>
          <Link to="/activity" search={{ from }} preload={false} className="watch-count">
            <strong>{count(histogram.data.total)}</strong> {events(histogram.data.total).replace(/^\S+ /, '')} today
          </Link>
          <span className="muted small">{badText(histogram.data)}</span>
          <Sparkline values={histogram.data.buckets.map((bucket) => Object.values(bucket.counts).reduce((sum, value) => sum + value, 0))} marked={histogram.data.buckets.map((bucket) => (bucket.counts.failure ?? 0) + (bucket.counts.denied ?? 0))} width={150} height={30} />
        </>
      ) : histogram.isError ? (
        <span className="muted small">Events of today: {histogram.error.message}</span>
      ) : (
        <span className="bones drawn" aria-hidden>
          <i />
        </span>
      )}
    </div>
  )
}

/** How many of the events failed or were refused. */
function badText({ buckets }: Histogram): string {
  const sum = (result: string): number => buckets.reduce((total, bucket) => total + (bucket.counts[result] ?? 0), 0)
  const [failed, denied] = [sum('failure'), sum('denied')]
  const parts = [...(failed > 0 ? [`${count(failed)} failed`] : []), ...(denied > 0 ? [`${count(denied)} denied`] : [])]
  return parts.length > 0 ? parts.join(', ') : 'none failed'
}

function Rules() {
  const list = useRules()
  const watch = useWatch()
  if (list.isError && watch === undefined) return <p className="muted small">Rules: {list.error.message}</p>
  if (watch === undefined) {
    return (
      <div className="bones drawn" aria-hidden>
        <i />
        <i />
      </div>
    )
  }
  const { on, all, packages, waiting, problems, detection } = watch
  const { dropped } = detectionText(detection)
  const Icon = !detection ? CircleDashed : detection.behind > 0 ? Hourglass : CircleCheck
  return (
    <ul className="watch-list">
      <li>
        <Icon size={15} className={!detection ? '' : detection.behind > 0 ? 'warn' : 'good'} aria-hidden />
        <span>{!detection ? 'No rule runs' : detection.behind === 0 ? 'Every event is looked at' : `${count(detection.behind)} ${detection.behind === 1 ? 'event waits' : 'events wait'} to be looked at`}</span>
      </li>
      <li>
        <i className="watch-dot" aria-hidden />
        <span>
          <Link to="/rules" search={{ state: 'on' }} preload={false}>
            {count(on)} of {count(all)} rules
          </Link>{' '}
          are on
          {packages !== undefined && (
            <>
              , in{' '}
              <Link to="/rules/packages" search={{}} preload={false}>
                {count(packages)} {packages === 1 ? 'package' : 'packages'}
              </Link>
            </>
          )}
        </span>
      </li>
      {waiting.map((one) => (
        <li key={one.id}>
          <Wrench size={15} className="warn" aria-hidden />
          <span>
            <Link to="/rules/packages" search={{ open: one.id }} preload={false}>
              {one.title}
            </Link>{' '}
            waits to be configured
          </span>
        </li>
      ))}
      {(problems > 0 || dropped !== undefined) && (
        <li>
          <TriangleAlert size={15} className="warn" aria-hidden />
          <span>
            {problems > 0 && (
              <Link to="/rules" search={{}} preload={false}>
                {count(problems)} {problems === 1 ? 'problem' : 'problems'} with rules
              </Link>
            )}{' '}
            {dropped}
          </span>
        </li>
      )}
    </ul>
  )
}
