/** What insights must have in common to be expected: each part on or off, its text with `*` for anything; and until when. */
import { useId } from 'react'
import { KIND_NAMES, KINDS } from './kinds'
import { EXPIRIES, type Expiry, type PatternRow } from './expecting'
import { PATTERN_LABELS } from './words'

interface PatternFieldsProps {
  rows: readonly PatternRow[]
  expiry: Expiry
  onRows: (rows: PatternRow[]) => void
  onExpiry: (expiry: Expiry) => void
}

export function PatternFields({ rows, expiry, onRows, onExpiry }: PatternFieldsProps) {
  const id = useId()
  const set = (at: number, change: Partial<PatternRow>): void => onRows(rows.map((row, index) => (index === at ? { ...row, ...change } : row)))
  return (
    <>
      <fieldset className="pattern-fields">
        <legend>
          Insights that have all of this in common <span className="muted small">(* stands for any text)</span>
        </legend>
        {rows.map((row, at) => {
          const field = `${id}-${row.field}`
          const label = PATTERN_LABELS[row.field]
          return (
            <div key={row.field} className={`pattern-row${row.isOn ? '' : ' is-off'}`}>
              <label className="check">
                <input type="checkbox" checked={row.isOn} onChange={(event) => set(at, { isOn: event.target.checked })} />
                <span>{label}</span>
              </label>
              {row.field === 'insight_type' ? (
                <select className="field-input" id={field} aria-label={`${label}, value`} value={row.value} onChange={(event) => set(at, { value: event.target.value, isOn: event.target.value !== '' })}>
                  <option value="">any kind</option>
                  {KIND_NAMES.map((kind) => (
                    <option key={kind} value={kind}>
                      {KINDS[kind].title}
                    </option>
                  ))}
                </select>
              ) : (
                <input type="text" className="field-input mono" id={field} aria-label={`${label}, value`} autoComplete="off" spellCheck={false} maxLength={500} placeholder="any" value={row.value} onChange={(event) => set(at, { value: event.target.value, isOn: event.target.value !== '' })} />
              )}
            </div>
          )
        })}
      </fieldset>
      <fieldset className="until">
        <legend>For how long</legend>
        <div className="segmented" role="group" aria-label="For how long">
          {EXPIRIES.map(([days, label]) => (
            <button key={days} type="button" aria-pressed={expiry === days} onClick={() => onExpiry(days)}>
              {label}
            </button>
          ))}
        </div>
      </fieldset>
    </>
  )
}
