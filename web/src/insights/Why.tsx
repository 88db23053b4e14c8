/** Why it is unusual: what was tested, in plain words, and what spoke for it. */
import type { Insight } from '../api/shapes'
import { testOf, type Term } from './parts'
import { countedWords, rough, signsOf, termWords, testSentences } from './words'

export function Why({ insight }: { insight: Insight }) {
  const test = testOf(insight)
  const signs = signsOf(test.terms)
  return (
    <section className="alert-part why" aria-labelledby={`why-${insight.id}`}>
      <div className="panel-head">
        <h3 id={`why-${insight.id}`}>Why it is unusual</h3>
        <span className="spring" />
        {test.threshold > 0 && test.method !== 'first-day' && (
          <span className="muted small" title={test.isChance ? 'How surprising it is: 3 is one in a thousand, 6 one in a million' : 'The sum of the signs'}>
            score {rough(test.score)}, told from {rough(test.threshold)} on
          </span>
        )}
      </div>
      {testSentences(test, countedWords(insight.insight_type)).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {signs.length > 0 && <Signs signs={signs} />}
    </section>
  )
}

function Signs({ signs }: { signs: readonly Term[] }) {
  const most = Math.max(...signs.map(({ value }) => Math.abs(value)))
  return (
    <table className="terms">
      <caption className="visually-hidden">What speaks for it and against it, the weightiest first</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Sign</th>
          <th scope="col">Weight</th>
        </tr>
      </thead>
      <tbody>
        {signs.map((sign) => (
          <tr key={sign.name} className={sign.value < 0 ? 'is-against' : ''}>
            <th scope="row">{termWords(sign)}</th>
            <td>
              <span className="term-track" aria-hidden>
                <i style={{ inlineSize: `${Math.max(1, (Math.abs(sign.value) / most) * 100)}%` }} />
              </span>
              <span className="term-value tabular">
                {sign.value < 0 ? '−' : '+'}
                {rough(Math.abs(sign.value))}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
