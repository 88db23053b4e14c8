import { useId } from 'react'
import type { RuleDetail } from '../api/shapes'
import { asItIs, AS_IT_IS, isTried, type WhatIf } from './whatIf'

interface WhatIfFieldsProps {
  value: WhatIf
  onChange: (value: WhatIf) => void
  detail: RuleDetail | undefined
  /** Of a text that is not stored: whether it has a comparison. */
  isCorrelation: boolean | undefined
}

/** Tuning that is only tried. */
export function WhatIfFields({ value, onChange, detail, isCorrelation }: WhatIfFieldsProps) {
  const id = useId()
  const now = detail && asItIs(detail)
  const hasComparison = isCorrelation ?? now?.comparison !== ''
  const field = (name: keyof WhatIf, label: string, unset: string, isNumber = false) => (
    <div className="tuning-field">
      <label htmlFor={`${id}-${name}`}>{label}</label>
      <input id={`${id}-${name}`} type="text" inputMode={isNumber ? 'numeric' : undefined} className={`field-input${isNumber ? '' : ' mono'}`} autoComplete="off" spellCheck={false} placeholder={now ? (now[name] === '' ? unset : now[name]) : 'as it says'} value={value[name]} onChange={(event) => onChange({ ...value, [name]: event.target.value })} />
    </div>
  )
  const tried = Object.values(value).filter((text: string) => text.trim() !== '').length
  return (
    <details className="what-if">
      <summary>
        What if…
        {tried > 0 && <span className="tab-count">{tried}</span>}
        <span className="muted small">{tried > 0 ? 'tried, not saved' : 'try another threshold or policy'}</span>
      </summary>
      <div className="what-if-fields">
        <div className="tuning-pair">
          {hasComparison && field('comparison', 'Compared with', '', true)}
          {field('daily_cap', 'At most a day', 'no limit', true)}
        </div>
        <div className="tuning-pair">
          {field('threshold', 'From matches', '1', true)}
          {field('threshold_window', 'within', '60m')}
        </div>
        <div className="tuning-pair">
          {field('dedup_key', 'One finding for each', 'who, or the group')}
          {field('dedup_window', 'Folded for', '60m')}
        </div>
        <div className="what-if-foot">
          <span className="muted small">What is empty is as {detail ? 'now' : 'the text says'}.</span>
          {isTried(value) && (
            <button type="button" className="link-button" onClick={() => onChange(AS_IT_IS)}>
              Clear
            </button>
          )}
        </div>
      </div>
    </details>
  )
}
