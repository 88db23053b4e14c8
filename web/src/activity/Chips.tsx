/** The query's parts, each to be turned round or taken away. */
import { CircleSlash, X } from 'lucide-react'
import { negateTerm, topTerms, withoutTerm, type Term } from '../query/terms'
import { fieldLabel } from './columns'
import { shorten } from './event'

const SIGNS: Record<string, string> = { ':': ':', ':=': 'starts', ':==': '=', ':===': '=' }

function words(term: Term): { name: string; sign: string; value: string } {
  if (term.field === undefined) return { name: '', sign: '', value: term.negated ? term.text.replace(/^(-|NOT\s+)/, '') : term.text }
  if (term.values?.length === 1 && term.values[0] === '*') return { name: fieldLabel(term.field), sign: term.negated ? 'is missing' : 'exists', value: '' }
  const value = term.values ? term.values.join(' or ') : term.text.slice(term.text.indexOf(':') + (term.operator?.length ?? 1))
  const sign = SIGNS[term.operator ?? ':'] ?? ':'
  return { name: fieldLabel(term.field), sign: term.negated && sign === '=' ? '≠' : sign, value }
}

export function Chips({ query, onChange }: { query: string; onChange: (query: string) => void }) {
  const terms = topTerms(query)
  if (terms.length === 0) return null
  return (
    <ul className="chips" aria-label="Filters">
      {terms.map((term) => {
        const { name, sign, value } = words(term)
        const spoken = `${term.negated ? 'not ' : ''}${name} ${sign} ${value}`
        return (
          <li key={term.start} className={`chip${term.negated ? ' chip-negated' : ''}`}>
            <span className="chip-text" title={term.text}>
              {term.negated && sign !== '≠' && sign !== 'is missing' && <span className="chip-not">not </span>}
              {name !== '' && <span className="chip-name">{name}</span>}
              {sign !== '' && <span className="chip-sign">{sign}</span>}
              {value !== '' && <span className="mono">{shorten(value, 40)}</span>}
            </span>
            <button type="button" aria-label={`${term.negated ? 'Include' : 'Exclude'}: ${spoken}`} title={term.negated ? 'Include instead' : 'Exclude instead'} onClick={() => onChange(negateTerm(query, term))}>
              <CircleSlash size={12} aria-hidden />
            </button>
            <button type="button" aria-label={`Remove filter: ${spoken}`} title="Remove" onClick={() => onChange(withoutTerm(query, term))}>
              <X size={13} aria-hidden />
            </button>
          </li>
        )
      })}
      {terms.length > 1 && (
        <li className="chips-clear">
          <button type="button" className="link-button" onClick={() => onChange('')}>
            Clear all
          </button>
        </li>
      )}
    </ul>
  )
}
