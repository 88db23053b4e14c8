/** Which days, which hour of them, and whose events. */
import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { api } from '../api/client'
import { hourText, type Span, type Whose } from './span'

const HOURS = Array.from({ length: 24 }, (_, hour) => hour)
const SPACES_SHOWN = 100

interface SpanFieldsProps {
  value: Span
  onChange: (value: Span) => void
  /** What the choice without limits is called. */
  all: string
}

/** Names of spaces that have events which the person may see; asked for only where one is to be named. */
export function useSpaces(isWanted: boolean): string[] {
  const spaces = useQuery({
    queryKey: ['spaces'],
    queryFn: ({ signal }) => api.top({ field: 'record.space', limit: SPACES_SHOWN }, signal),
    enabled: isWanted,
    staleTime: 300_000,
    retry: false,
  })
  return spaces.data?.values.map(({ value }) => value) ?? []
}

export function SpanFields({ value, onChange, all }: SpanFieldsProps) {
  const id = useId()
  const spaces = useSpaces(value.of === 'space')
  const whose: readonly [Whose, string, string][] = [
    ['all', all, 'Of the account itself and of every space'],
    ['account', 'Account', 'Events of the account itself, which belong to no space'],
    ['space', 'Space', 'Events of one space'],
  ]
  return (
    <div className="span-fields">
      <div className="field">
        <label htmlFor={`${id}-from`}>First day (UTC)</label>
        <input id={`${id}-from`} type="date" className="field-input" required max={value.to || undefined} value={value.from} onChange={(event) => onChange({ ...value, from: event.target.value })} />
      </div>
      <div className="field">
        <label htmlFor={`${id}-to`}>Last day (UTC)</label>
        <input id={`${id}-to`} type="date" className="field-input" required min={value.from || undefined} value={value.to} onChange={(event) => onChange({ ...value, to: event.target.value })} />
      </div>
      <div className="field">
        <label htmlFor={`${id}-hour`}>Hour of each (UTC)</label>
        <select id={`${id}-hour`} className="field-input" value={value.hour} onChange={(event) => onChange({ ...value, hour: event.target.value })}>
          <option value="">Whole days</option>
          {HOURS.map((hour) => (
            <option key={hour} value={hour}>
              {hourText(hour)}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <span className="field-name" id={`${id}-whose`}>
          Whose
        </span>
        <div className="segmented" role="group" aria-labelledby={`${id}-whose`}>
          {whose.map(([of, label, title]) => (
            <button key={of} type="button" aria-pressed={value.of === of} title={title} onClick={() => onChange({ ...value, of, space: of === 'space' ? value.space : '' })}>
              {label}
            </button>
          ))}
        </div>
      </div>
      {value.of === 'space' && (
        <div className="field">
          <label htmlFor={`${id}-space`}>Space</label>
          <input id={`${id}-space`} type="text" className="field-input mono" list={`${id}-spaces`} required autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="dev" value={value.space} onChange={(event) => onChange({ ...value, space: event.target.value.trim() })} />
          <datalist id={`${id}-spaces`}>
            {spaces.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
      )}
    </div>
  )
}
