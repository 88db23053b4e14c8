/** Conditions row by row: a field, how it is compared, with what. */
import { useQuery } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useId } from 'react'
import { api } from '../api/client'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { leaveRow } from '../ui/leaveRow'
import { NO_CONDITION, OPERATORS, takesValue, type Condition } from './ruleForm'

/** What is asked for most; the server knows those of the account’s events. */
const FIELDS = ['action', 'outcome', 'severity', 'initiator.name', 'initiator.id', 'initiator.host.address', 'initiator.host.agent', 'target.id', 'target.name', 'target.typeURI', 'observer.name', 'reason.reasonCode']

/** Names of fields to choose from. */
export function useFieldNames(): string[] {
  const { rights } = useSigned()
  const found = useQuery({ queryKey: ['fields', ''], queryFn: ({ signal }) => api.fields('', signal), staleTime: 300_000, enabled: rights.mayAny(READS_EVENTS) })
  return [...new Set([...FIELDS, ...(found.data ?? []).map((field) => field.name)])]
}

interface ConditionsProps {
  legend: string
  value: Condition[]
  onChange: (value: Condition[]) => void
  /** Whether what must not be can be said. */
  allowsNot: boolean
}

export function Conditions({ legend, value, onChange, allowsNot }: ConditionsProps) {
  const id = useId()
  const names = useFieldNames()
  const operators = OPERATORS.filter((operator) => allowsNot || !operator.isNegated)
  const set = (at: number, change: Partial<Condition>): void => onChange(value.map((condition, index) => (index === at ? { ...condition, ...change } : condition)))
  return (
    <fieldset className="conditions">
      <legend>{legend}</legend>
      <datalist id={`${id}-fields`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {value.map((condition, at) => (
        <div key={at} className="condition-row">
          <input type="text" className="field-input mono" aria-label={`Field ${at + 1}`} list={`${id}-fields`} placeholder="field" autoComplete="off" spellCheck={false} value={condition.field} onChange={(event) => set(at, { field: event.target.value })} />
          <select className="field-input" aria-label={`Comparison ${at + 1}`} value={condition.operator} onChange={(event) => set(at, { operator: event.target.value })}>
            {operators.map((operator) => (
              <option key={operator.id} value={operator.id}>
                {operator.label}
              </option>
            ))}
          </select>
          {takesValue(condition.operator) && (
            <input type="text" className="field-input mono" aria-label={`Value ${at + 1}`} placeholder="value, or several" autoComplete="off" spellCheck={false} value={condition.value} onChange={(event) => set(at, { value: event.target.value })} />
          )}
          <button type="button" className="icon-button small" aria-label={`Remove condition ${at + 1}`} disabled={value.length === 1} onClick={(event) => { leaveRow(event.currentTarget); onChange(value.filter((_, index) => index !== at)) }}>
            <X size={14} aria-hidden />
          </button>
        </div>
      ))}
      <button type="button" className="link-button" onClick={() => onChange([...value, NO_CONDITION])}>
        <Plus size={13} aria-hidden /> And
      </button>
    </fieldset>
  )
}
