import { useId } from 'react'
import { SOURCES } from '../activity/sources'
import type { KeyScope } from '../api/shapes'
import { listed } from './kinds'

export interface ScopeText {
  sources: string
  spaces: string
  streams: string
}

export const scopeText = (scope?: KeyScope): ScopeText => ({ sources: scope?.sources?.join(', ') ?? '', spaces: scope?.spaces?.join(', ') ?? '', streams: scope?.streams?.join(', ') ?? '' })

/** Only what limits: an empty list would let nothing through. */
export function scopeOf(text: ScopeText): KeyScope {
  const [sources, spaces, streams] = [listed(text.sources), listed(text.spaces), listed(text.streams)]
  return { ...(sources.length > 0 ? { sources } : {}), ...(spaces.length > 0 ? { spaces } : {}), ...(streams.length > 0 ? { streams } : {}) }
}

const FIELDS: readonly [keyof ScopeText, string, string, string][] = [
  ['sources', 'Sources', 'every source', 'cloudtrail, linux-auth'],
  ['spaces', 'Spaces', 'every space and the account itself', 'dev, prod'],
  ['streams', 'Streams', 'every stream', 'activity'],
]

export function ScopeFields({ value, onChange }: { value: ScopeText; onChange: (value: ScopeText) => void }) {
  const id = useId()
  return (
    <fieldset className="scope-fields">
      <legend>Limits</legend>
      {FIELDS.map(([name, label, all, example]) => (
        <div key={name} className="field-line">
          <label htmlFor={`${id}-${name}`}>{label}</label>
          <input id={`${id}-${name}`} type="text" className="field-input" autoComplete="off" spellCheck={false} placeholder={`${all}; or ${example}`} value={value[name]} aria-describedby={name === 'sources' ? `${id}-known` : undefined} onChange={(event) => onChange({ ...value, [name]: event.target.value })} />
        </div>
      ))}
      <p className="muted small" id={`${id}-known`}>
        Sources are {SOURCES.slice(0, -1).join(', ')} and {SOURCES.at(-1)}.
      </p>
    </fieldset>
  )
}

/** A scope in words. */
export function ScopeWords({ scope }: { scope: KeyScope }) {
  const parts = FIELDS.flatMap(([name, label]) => {
    const items = scope[name]
    return items === undefined ? [] : [{ name, label: label.toLowerCase(), items }]
  })
  if (parts.length === 0) return <span className="muted">none</span>
  return (
    <span className="scope-words">
      {parts.map((part) => (
        <span key={part.name}>
          <span className="muted">{part.label}</span> <span className="mono">{part.items.join(', ')}</span>
        </span>
      ))}
    </span>
  )
}
