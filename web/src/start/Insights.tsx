/** Whodid's own card: what rules found in the last days, by what it is about. */
import { Link } from '@tanstack/react-router'
import { ShieldCheck } from 'lucide-react'
import type { CardList, ShownCard } from '../api/shapes'
import { useSigned } from '../session/me'
import { count } from '../ui/number'
import { findingsOf, foundBy } from './cards'
import { DaySeries } from './DaySeries'
import { FindingsLink } from './FindingsLink'
import { useWatch, watchText } from './Watched'

export function Insights({ card, days }: { card: ShownCard; days: CardList['days'] }) {
  const series = card.elements.find((element) => element.kind === 'TIME_SERIES')
  const numbers = card.elements.filter((element) => element.kind === 'NUMERIC')
  return (
    <div className="insights">
      <ul className="insight-numbers" aria-label="Findings by what they are about">
        {numbers.map((element, at) => {
          const value = element.values[0]
          const today = series?.values.find((one) => one.text === element.text)?.days?.at(-1) ?? 0
          return (
            <li key={element.text}>
              <FindingsLink to={findingsOf(value?.q, element.from)} className="insight-number">
                <span className="insight-name">
                  <i className={`swatch series-${at + 1}`} aria-hidden />
                  {element.text}
                </span>
                <span className="insight-value">
                  <strong>{count(value?.value ?? 0)}</strong> <span className="muted small">{today > 0 ? `${count(today)} today` : 'none today'}</span>
                </span>
              </FindingsLink>
            </li>
          )
        })}
      </ul>
      {foundBy(card) === 0 ? <NothingFound /> : series && <DaySeries text={series.text} days={days} values={series.values} from={series.from} q={card.q} className="is-large" />}
    </div>
  )
}

function NothingFound() {
  const { rights } = useSigned()
  return (
    <div className="nothing-found">
      <ShieldCheck size={26} aria-hidden />
      <h3>Nothing was found in the last five days</h3>
      {rights.may('rules.read') ? <Looking /> : <p className="muted">What rules find is counted here, and stays in sight for five days.</p>}
      <div className="state-actions">
        {rights.may('rules.manage') && (
          <Link to="/rules/new" search={{}} className="button">
            Write a rule
          </Link>
        )}
        {rights.may('rules.read') && (
          <Link to="/rules" search={{}} className="button quiet">
            What is looked for
          </Link>
        )}
      </div>
    </div>
  )
}

/** What would have found something. */
function Looking() {
  const watch = useWatch()
  if (watch === undefined) return <p className="muted">What rules find is counted here, and stays in sight for five days.</p>
  return (
    <p className="muted">
      {watchText(watch)}
      {watch.waiting.length > 0 && (
        <>
          {' '}
          {watch.waiting.length === 1 ? 'One package waits' : `${count(watch.waiting.length)} packages wait`} to be configured:{' '}
          {watch.waiting.map((one, at) => (
            <span key={one.id}>
              {at > 0 && ', '}
              <Link to="/rules/packages" search={{ open: one.id }}>
                {one.title}
              </Link>
            </span>
          ))}
          .
        </>
      )}
    </p>
  )
}
