/** No insight is shown, and why: nothing was ever sent, it is still being learned what is usual, or all is as usual. */
import { Link } from '@tanstack/react-router'
import { GraduationCap, SearchX, Send, Sparkles } from 'lucide-react'
import type { InsightCounts, InsightStatus } from '../api/shapes'
import { Command } from '../ui/Command'
import { Empty } from '../ui/Empty'
import { count } from '../ui/number'
import { When } from '../ui/When'
import { isNarrow, TEXTS, type InsightSearch } from './search'
import { learningOf } from './words'

interface NoInsightsProps {
  search: InsightSearch
  status: InsightStatus | undefined
  counts: InsightCounts | undefined
  onChange: (change: { [Name in keyof InsightSearch]: InsightSearch[Name] | undefined }) => void
}

const NO_FILTER: { [Name in keyof InsightSearch]: undefined } = { insight_type: undefined, state: undefined, ...Object.fromEntries(TEXTS.map((name) => [name, undefined])) }

export function NoInsights({ search, status, counts, onChange }: NoInsightsProps) {
  const learning = status && learningOf(status)
  if (status && status.learning_since == null) {
    return (
      <Empty Icon={Send} title="No events yet">
        <p>What is usual is learned from events. Once the first ones are here, it takes a day of them until insights are told; a trail that is stopped is told at once.</p>
        <div className="state-actions">
          <Link to="/activity" search={{}} className="button primary">
            Send the first event
          </Link>
        </div>
      </Empty>
    )
  }
  if (isNarrow(search)) {
    return (
      <Empty Icon={SearchX} title="No insight is like that">
        <p className="muted">Others may be here without the limits above.</p>
        <div className="state-actions">
          <button type="button" className="button" onClick={() => onChange(NO_FILTER)}>
            Take the limits away
          </button>
        </div>
      </Empty>
    )
  }
  if (learning) {
    return (
      <Empty Icon={GraduationCap} title="Learning what is usual here">
        <progress className="learning-bar" value={learning.part} max={1} aria-label="Learned so far" />
        <p>
          {learning.text} of events are known.
          {status.learning_until != null && (
            <>
              {' '}
              Insights begin <When iso={status.learning_until} />.
            </>
          )}{' '}
          Then every action, error and address is compared with what was usual at that hour.
        </p>
        <p className="muted small">Older events shorten this: their own times count, so the history of a week is learned in minutes.</p>
        <Command text="whodid events send OLDER-EVENTS.ndjson" label="Command for older events" />
        {status.held > 0 && <p className="muted small">{count(status.held)} older events are being put in order now.</p>}
      </Empty>
    )
  }
  const expected = counts?.expected ?? 0
  return (
    <Empty Icon={Sparkles} title="Nothing unusual">
      {status && (
        <p>
          {count(status.series)} series are watched, of actions, errors and people; {count(status.live_series)} had events within a week.
          {status.learning_since != null && (
            <>
              {' '}
              Known since <When iso={status.learning_since} />.
            </>
          )}
        </p>
      )}
      <p className="muted">What departs from it stands here within minutes, with why, and with its events.</p>
      <div className="state-actions">
        {expected > 0 && search.expected === undefined && (
          <button type="button" className="button" onClick={() => onChange({ expected: '1' })}>
            Show {count(expected)} that {expected === 1 ? 'is' : 'are'} expected
          </button>
        )}
        <Link to="/insights/settings" search={{}} className="button quiet">
          What is watched
        </Link>
      </div>
    </Empty>
  )
}
