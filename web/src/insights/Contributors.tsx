/** Who and what it is made of, against what is usual. Each value leads to its events. */
import { Link } from '@tanstack/react-router'
import { shorten, visible } from '../activity/event'
import type { Insight } from '../api/shapes'
import { count } from '../ui/number'
import { attributionsOf, type Attribution, type Contributor, type Evidence } from './parts'
import { attributeWords, contributorQuery, contributorWords, percent, shareChange } from './words'

const VALUE_MAX = 56

interface ContributorsProps {
  insight: Insight
  evidence: Evidence
  mayRead: boolean
}

export function Contributors({ insight, evidence, mayRead }: ContributorsProps) {
  const attributions = attributionsOf(insight)
  if (attributions.length === 0) return evidence.missing === undefined ? null : <p className="muted small">Who and what it is made of is not told: {evidence.missing}.</p>
  return (
    <section className="alert-part" aria-labelledby={`who-${insight.id}`}>
      <div className="panel-head">
        <h3 id={`who-${insight.id}`}>What it is made of</h3>
        <span className="contributor-legend muted small" aria-hidden>
          <i className="is-now" /> in the insight <i className="is-usual" /> usually, in the 7 days before
        </span>
      </div>
      <div className="contributors">
        {attributions.map((attribution) => (
          <Shares key={attribution.attribute} attribution={attribution} evidence={evidence} mayRead={mayRead} />
        ))}
      </div>
    </section>
  )
}

function Shares({ attribution, evidence, mayRead }: { attribution: Attribution; evidence: Evidence; mayRead: boolean }) {
  const { attribute, contributors, absent } = attribution
  return (
    <table className="shares">
      <caption>{attributeWords(attribute)}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Value</th>
          <th scope="col">Share in the insight, and change against usual</th>
        </tr>
      </thead>
      <tbody>
        {[...contributors, ...absent].map((one) => (
          <Share key={one.value} one={one} attribute={attribute} evidence={evidence} mayRead={mayRead} />
        ))}
      </tbody>
    </table>
  )
}

function Share({ one, attribute, evidence, mayRead }: { one: Contributor; attribute: string; evidence: Evidence; mayRead: boolean }) {
  const q = contributorQuery(evidence.query, attribute, one.value)
  const change = shareChange(one)
  const words = shorten(contributorWords(attribute, visible(one.value)), VALUE_MAX)
  const isNew = one.usualShare === 0 && one.count > 0
  return (
    <tr className={one.count === 0 ? 'is-absent' : ''}>
      <th scope="row" title={one.value}>
        {mayRead && q !== undefined && one.count > 0 ? (
          <Link to={evidence.stream === 'audit' ? '/audit' : '/activity'} search={{ q, from: evidence.from, to: evidence.to }} preload={false} className="mono" title={`${one.value}\nIts ${count(one.count)} events`}>
            {words}
          </Link>
        ) : (
          <span className="mono">{words}</span>
        )}
        {isNew && <span className="tag tag-warn">new</span>}
      </th>
      <td>
        <span className="share-track" aria-hidden>
          <i style={{ inlineSize: `${one.share * 100}%` }} />
          <b style={{ insetInlineStart: `${Math.min(99, one.usualShare * 100)}%` }} />
        </span>
        <span className="share-numbers tabular">
          <strong>{percent(one.share)}</strong>
          <span className="muted small">{change === undefined ? 'as usual' : isNew ? 'never before' : change}</span>
        </span>
      </td>
    </tr>
  )
}
