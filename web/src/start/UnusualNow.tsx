/** The insights that go on, the gravest first. */
import { Link } from '@tanstack/react-router'
import { CircleCheck, GraduationCap } from 'lucide-react'
import { visible } from '../activity/event'
import { withShortIds } from '../alerts/words'
import type { InsightPage } from '../api/shapes'
import { KindMark, SeverityMark, severityOf } from '../insights/Marks'
import { useFewInsights, useInsightStatus } from '../insights/queries'
import { deviation, lasted, learningOf } from '../insights/words'
import { useNow } from '../ui/hooks'
import { count } from '../ui/number'
import { Part } from './Part'

const SHOWN = 3
const ASKED = 50
const GRAVITY = ['critical', 'warning', 'normal']

export function UnusualNow() {
  const open = useFewInsights({ state: 'open', limit: ASKED })
  return (
    <Part
      title="Unusual now"
      query={open}
      shape="lines"
      action={
        <Link to="/insights" search={{}} preload={false} className="link-button">
          All insights
        </Link>
      }
    >
      {(page) => <Rows page={page} />}
    </Part>
  )
}

function Rows({ page: { insights, counts } }: { page: InsightPage }) {
  const now = useNow()
  const status = useInsightStatus().data
  const learning = status && learningOf(status)
  const sorted = [...insights].sort((a, b) => GRAVITY.indexOf(severityOf(a)) - GRAVITY.indexOf(severityOf(b)) || b.start.localeCompare(a.start))
  if (sorted.length === 0) {
    return learning ? (
      <p className="empty-line">
        <GraduationCap size={15} aria-hidden /> {status.learning_since == null ? 'Learned from the first day of events.' : `Learning what is usual: ${learning.text}.`}
      </p>
    ) : (
      <p className="empty-line">
        <CircleCheck size={15} className="good" aria-hidden /> Nothing departs from what is usual.
      </p>
    )
  }
  return (
    <>
      <ol className="start-alerts" aria-label="Insights that go on">
        {sorted.slice(0, SHOWN).map((insight) => (
          <li key={insight.id}>
            <Link to="/insights/$id" params={{ id: insight.id }} search={{}} preload={false} className="start-alert">
              <span className="start-alert-head">
                <SeverityMark insight={insight} isShort />
                <KindMark kind={insight.insight_type} />
                <span className="spring" />
                {deviation(insight) !== undefined && <strong className="small tabular">{deviation(insight)}</strong>}
                <span className="muted small">{lasted(insight, now)}</span>
              </span>
              <span className="start-alert-says small">{withShortIds(visible(insight.sentence))}</span>
            </Link>
          </li>
        ))}
      </ol>
      {counts.open > SHOWN && (
        <Link to="/insights" search={{ state: 'open' }} preload={false} className="link-button">
          {count(counts.open - SHOWN)} more
        </Link>
      )}
    </>
  )
}
