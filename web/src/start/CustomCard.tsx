/** A card that a client made by the Findings API. Its texts are shown as texts, its pictures only as images. */
import { Wrench } from 'lucide-react'
import { visible } from '../activity/event'
import type { CardList, CardSection, ShownCard, ShownElement, ShownValue } from '../api/shapes'
import { count } from '../ui/number'
import { anyOf, columnsOf, findingsOf, pictureAddress } from './cards'
import { DaySeries } from './DaySeries'
import { FindingsLink } from './FindingsLink'

export function CustomSection({ section, days }: { section: CardSection; days: CardList['days'] }) {
  const picture = pictureAddress(section.image)
  return (
    <section className="start-section" aria-label={section.title}>
      <h2>
        {picture !== undefined && <img src={picture} alt="" width={22} height={22} />}
        {visible(section.title)}
      </h2>
      <ul className="start-cards">
        {section.cards.map((card) => (
          <li key={`${card.provider}/${card.id}`}>
            <CustomCard card={card} days={days} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function CustomCard({ card, days }: { card: ShownCard; days: CardList['days'] }) {
  const picture = pictureAddress(card.badge_image)
  const from = card.elements.reduce((earliest, element) => (Date.parse(element.from) < Date.parse(earliest) ? element.from : earliest), days[0] ?? '')
  return (
    <article className="panel start-card">
      <header className="start-card-head">
        <div>
          <h3>
            <FindingsLink to={findingsOf(card.q, from)} className="start-card-title">
              {visible(card.title)}
            </FindingsLink>
          </h3>
          <p className="muted small">{visible(card.subtitle)}</p>
        </div>
        {card.badge_text !== undefined && card.badge_text !== '' && <span className="tag tag-accent">{visible(card.badge_text)}</span>}
        {picture !== undefined && <img src={picture} alt="" width={28} height={28} />}
      </header>
      {card.requires_configuration && (
        <p className="start-card-configure small">
          <Wrench size={13} aria-hidden /> {visible(card.provider)} waits to be configured.
        </p>
      )}
      <div className="start-card-elements">
        {card.elements.map((element, at) => (
          <Element key={at} element={element} days={days} />
        ))}
      </div>
    </article>
  )
}

function Element({ element, days }: { element: ShownElement; days: CardList['days'] }) {
  switch (element.kind) {
    case 'NUMERIC':
      return <Numeric element={element} />
    case 'BREAKDOWN':
      return <Breakdown element={element} />
    case 'TIME_SERIES':
      return <Series element={element} days={days} />
  }
}

function Numeric({ element }: { element: ShownElement }) {
  const value = element.values[0]
  return (
    <FindingsLink to={findingsOf(value?.q, element.from)} className="card-number">
      <strong>
        {count(value?.value ?? 0)}
        {value?.total !== undefined && <span className="muted"> / {count(value.total)}</span>}
      </strong>
      <span className="card-number-text">{visible(element.text)}</span>
      {value !== undefined && value.text !== '' && value.text !== element.text && <span className="muted small">{visible(value.text)}</span>}
    </FindingsLink>
  )
}

function Breakdown({ element }: { element: ShownElement }) {
  const top = Math.max(1, ...element.values.map((value) => value.total ?? value.value))
  return (
    <div className="card-breakdown">
      <h4>{visible(element.text)}</h4>
      <ul>
        {element.values.map((value, at) => (
          <li key={at}>
            <FindingsLink to={findingsOf(value.q, element.from)} className="card-part">
              <span>{visible(value.text)}</span>
              <strong>{valueText(value)}</strong>
              <span className="card-part-bar" aria-hidden>
                <i style={{ inlineSize: `${Math.round((value.value / top) * 100)}%` }} />
              </span>
            </FindingsLink>
          </li>
        ))}
      </ul>
    </div>
  )
}

const valueText = ({ value, total }: ShownValue): string => (total === undefined ? count(value) : `${count(value)} / ${count(total)}`)

function Series({ element, days }: { element: ShownElement; days: CardList['days'] }) {
  const columns = columnsOf(days, element.values, element.from)
  return (
    <div className="card-series">
      <h4>{visible(element.text)}</h4>
      {columns.every((column) => column.total === 0) ? (
        <p className="muted small">Nothing in these days.</p>
      ) : (
        <DaySeries text={element.text} days={days} values={element.values} from={element.from} q={anyOf(element.values)} />
      )}
      <ul className="series-legend">
        {element.values.map((value, at) => (
          <li key={at}>
            <FindingsLink to={findingsOf(value.q, element.from)}>
              <i className={`swatch series-${at + 1}`} aria-hidden /> {visible(value.text)} <strong>{count(value.value)}</strong>
            </FindingsLink>
          </li>
        ))}
      </ul>
    </div>
  )
}
