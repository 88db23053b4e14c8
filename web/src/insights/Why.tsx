/** Why it is unusual: what was tested, in plain words, and what spoke for it. */
import type { Insight } from '../api/shapes'
import { testOf, type Term } from './parts'
import { rough, termWords, testSentences } from './words'

export function Why({ insight }: { insight: Insight }) {
  const test = testOf(insight)
  return (
    <section className="alert-part why" aria-labelledby={`why-${insight.id}`}>
      <div className="panel-head">
        <h3 id={`why-${insight.id}`}>Why it is unusual</h3>
        <span className="spring" />
        {test.threshold > 0 && (
          <span className="muted small" title={test.isChance ? 'Minus the decimal logarithm of the probability' : 'The sum of the signs'}>
            score {rough(test.score)}, told from {rough(test.threshold)} on
          </span>
        )}
      </div>
      {testSentences(test).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {test.terms.length > 0 && <Terms terms={test.terms} />}
    </section>
  )
}

function Terms({ terms }: { terms: readonly Term[] }) {
  const sorted = [...terms].sort((a, b) => b.value - a.value)
  const most = Math.max(0.01, ...sorted.map((term) => Math.abs(term.value)))
  return (
    <table className="terms">
      <caption className="visually-hidden">What spoke for it, the weightiest first</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Sign</th>
          <th scope="col">Weight</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((term) => (
          <tr key={term.name} className={term.value <= 0.1 ? 'is-weak' : ''}>
            <th scope="row">{termWords(term.name)}</th>
            <td>
              <span className="term-track" aria-hidden>
                <i className={term.value < 0 ? 'is-against' : ''} style={{ inlineSize: `${Math.max(1, (Math.abs(term.value) / most) * 100)}%` }} />
              </span>
              <span className="term-value tabular">
                {term.value < 0 ? '−' : '+'}
                {rough(Math.abs(term.value))}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
