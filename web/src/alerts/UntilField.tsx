import { useId } from 'react'
import { fromInput, toInput, zoneName } from '../activity/time'
import { usePrefs } from '../ui/prefs'

/** For how long from now, or a moment in RFC 3339. */
export const SPANS: readonly [value: string, label: string][] = [['1h', '1 hour'], ['8h', '8 hours'], ['1d', '1 day'], ['7d', '7 days']]

export function UntilField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId()
  const { zone } = usePrefs()
  const isCustom = !SPANS.some(([span]) => span === value)
  return (
    <fieldset className="until">
      <legend>For how long</legend>
      <div className="segmented" role="group" aria-label="For how long">
        {SPANS.map(([span, label]) => (
          <button key={span} type="button" aria-pressed={value === span} onClick={() => onChange(span)}>
            {label}
          </button>
        ))}
        <button type="button" aria-pressed={isCustom} onClick={() => onChange(isCustom ? value : new Date(Math.ceil(Date.now() / 3_600_000 + 24) * 3_600_000).toISOString())}>
          until…
        </button>
      </div>
      {isCustom && (
        <div className="until-moment">
          <label htmlFor={`${id}-until`} className="visually-hidden">
            Until
          </label>
          <input id={`${id}-until`} type="datetime-local" required value={toInput(value, zone).slice(0, 16)} onChange={(event) => onChange(event.target.value === '' ? '' : fromInput(event.target.value, zone))} />
          <span className="muted small">{zoneName(zone)}</span>
        </div>
      )}
    </fieldset>
  )
}
