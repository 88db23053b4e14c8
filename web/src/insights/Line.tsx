/** One insight in the list: a row where there is room, a card beside an open one and on a phone. */
import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { visible } from '../activity/event'
import { clock, hoverTime, relative } from '../activity/time'
import { withShortIds } from '../alerts/words'
import type { Insight } from '../api/shapes'
import { usePrefs } from '../ui/prefs'
import { KindMark, SeverityMark, severityOf, VerdictMark } from './Marks'
import { deviation, deviationTitle, isExpected, lasted } from './words'

interface LineProps {
  insight: Insight
  now: number
  isOpen: boolean
  onFocus: () => void
}

export const Line = memo(
  function Line({ insight, now, isOpen, onFocus }: LineProps) {
    const { zone } = usePrefs()
    const { day, time } = clock(insight.start, zone, false)
    const far = deviation(insight)
    const goesOn = insight.state === 'open'
    return (
      <li className={`insight-line is-${severityOf(insight)}${isOpen ? ' is-open' : ''}${goesOn ? '' : ' is-over'}${isExpected(insight) ? ' is-expected' : ''}`} data-insight={insight.id}>
        <Link to="/insights/$id" params={{ id: insight.id }} search={(search) => ({ ...search, period: undefined, form: undefined })} preload={false} className="insight-row" activeProps={{ className: '' }} aria-current={isOpen ? 'true' : undefined} onFocus={onFocus}>
          <span className="line-mark">
            <SeverityMark insight={insight} isShort />
          </span>
          <span className="line-kind">
            <KindMark kind={insight.insight_type} />
          </span>
          <span className="line-says">{withShortIds(visible(insight.sentence))}</span>
          <span className="line-start">
            <time dateTime={insight.start} title={hoverTime(insight.start)}>
              {day} {time.slice(0, 5)}
            </time>
            <span className="muted small line-ago"> {relative(insight.start, now)}</span>
          </span>
          <span className="line-region muted mono small">{insight.region}</span>
          <span className="line-foot">
            <span className="line-far tabular" title={far === undefined ? undefined : `${far} ${deviationTitle(far)}`}>
              {far !== undefined && <strong>{far}</strong>}
            </span>
            <span className="line-lasted">
              {goesOn ? (
                <span className="goes-on">
                  <i aria-hidden /> goes on, {lasted(insight, now)}
                </span>
              ) : (
                <span className="muted">
                  <span className="visually-hidden">over after </span>
                  {lasted(insight, now)}
                </span>
              )}
            </span>
            <span className="line-verdict">
              <VerdictMark insight={insight} />
            </span>
          </span>
        </Link>
      </li>
    )
  },
  (a, b) => a.insight === b.insight && a.now === b.now && a.isOpen === b.isOpen,
)
