/** How many go on, in all and of each kind, and how far learning is. A card narrows the list to what it counts. */
import { Link } from '@tanstack/react-router'
import { CircleDot, GraduationCap } from 'lucide-react'
import type { InsightCounts, InsightStatus } from '../api/shapes'
import { When } from '../ui/When'
import { count } from '../ui/number'
import { KINDS } from './kinds'
import type { InsightSearch } from './search'
import { learningOf } from './words'

interface CardsProps {
  search: InsightSearch
  status: InsightStatus | undefined
  /** Of the list without what the cards choose between. */
  counts: InsightCounts | undefined
}

export function Cards({ search, status, counts }: CardsProps) {
  const learning = status && learningOf(status)
  const kinds = status?.kinds.filter((kind) => kind.is_on || kind.open > 0 || (counts?.by_type[kind.insight_type] ?? 0) > 0) ?? []
  const open = counts?.open ?? status?.kinds.reduce((sum, kind) => sum + kind.open, 0)
  const isOpen = search.state === 'open'
  if (status === undefined) return <div className="insight-cards insight-cards-bones" aria-hidden />
  return (
    <ul className="insight-cards" aria-label="Insights by kind">
      <li>
        <Link to="/insights" search={(now) => ({ ...now, state: isOpen ? undefined : 'open' })} preload={false} className={`insight-card is-all${open !== undefined && open > 0 ? ' has-open' : ''}`} activeProps={{ className: '' }} activeOptions={{ exact: true, explicitUndefined: true }} aria-current={isOpen ? 'true' : undefined}>
          <span className="insight-card-title">
            <CircleDot size={14} aria-hidden /> Open
          </span>
          <strong>{count(open ?? 0)}</strong>
          <span className="muted small">{counts === undefined ? ' ' : `of ${count(counts.all)} here`}</span>
        </Link>
      </li>
      {kinds.map((kind) => {
        const { title, what, Icon } = KINDS[kind.insight_type]
        const all = counts?.by_type[kind.insight_type] ?? 0
        const isHere = search.insight_type === kind.insight_type
        return (
          <li key={kind.insight_type}>
            <Link to="/insights" search={(now) => ({ ...now, insight_type: isHere ? undefined : kind.insight_type })} preload={false} className={`insight-card${kind.open > 0 ? ' has-open' : ''}`} activeProps={{ className: '' }} activeOptions={{ exact: true, explicitUndefined: true }} aria-current={isHere ? 'true' : undefined} title={what}>
              <span className="insight-card-title">
                <Icon size={14} aria-hidden /> {title}
              </span>
              <strong>
                {count(kind.open)}
                <span className="visually-hidden"> {kind.open === 1 ? 'goes' : 'go'} on</span>
              </strong>
              <span className="muted small">{!kind.is_on ? 'off' : all === 0 ? 'none here' : `${count(all)} here`}</span>
            </Link>
          </li>
        )
      })}
      {learning && status.learning_since != null && (
        <li className="insight-card insight-learning">
          <span className="insight-card-title">
            <GraduationCap size={14} aria-hidden /> Learning: {learning.text}
          </span>
          <progress value={learning.part} max={1} aria-label="Learned so far" />
          <span className="muted small">
            What is usual is learned from a day of events; before, only trails that are stopped are told.
            {status.learning_until != null && (
              <>
                {' '}
                Ready <When iso={status.learning_until} />.
              </>
            )}
          </span>
        </li>
      )}
    </ul>
  )
}
