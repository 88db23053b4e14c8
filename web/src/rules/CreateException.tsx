/** What rules are not to tell: which events, of which rules, why, until when. */
import { X } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { rules } from '../api/rules'
import type { RuleException } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { Conditions } from './Conditions'
import { ExceptionPreview } from './ExceptionPreview'
import { useRules, useRulesAgain } from './queries'
import { conditionProblem, eventsOf, NO_CONDITION, type Condition } from './ruleForm'
import { isFilter } from './words'

const EXPIRIES: readonly [value: string, label: string][] = [['1d', 'in a day'], ['7d', 'in 7 days'], ['30d', 'in 30 days'], ['90d', 'in 90 days'], ['365d', 'in a year'], ['', 'never']]

interface CreateExceptionProps {
  rule?: string | undefined
  /** Which events are proposed, such as those of an alert. */
  conditions?: readonly Condition[]
  /** Instead of closing. */
  onMade?: (made: RuleException) => void
  onClose: () => void
}

export function CreateException({ rule, conditions: proposed = [], onMade, onClose }: CreateExceptionProps) {
  const id = useId()
  const { me } = useSigned()
  const again = useRulesAgain()
  const [of, setOf] = useState(rule === undefined ? [] : [rule])
  const [isAll, setIsAll] = useState(false)
  const [conditions, setConditions] = useState(proposed.length > 0 ? [...proposed] : [{ ...NO_CONDITION, field: 'initiator.name' }])
  const [reason, setReason] = useState('')
  const [owner, setOwner] = useState('')
  const [expires, setExpires] = useState('30d')
  const create = useChange({
    mutationFn: () =>
      rules.createException({ rules: isAll ? [] : of, events: eventsOf(conditions), reason: reason.trim(), owner: owner.trim() === '' ? me.user.name : owner.trim(), ...(expires === '' ? {} : { expires }) }),
    onSuccess: (made) => {
      again()
      notify('The exception holds from now on')
      if (onMade) onMade(made)
      else onClose()
    },
  })
  const problem = !isAll && of.length === 0 ? 'Choose the rules it is for.' : conditions.map(conditionProblem).find((text) => text !== undefined)
  const isMissing = reason.trim() === ''
  return (
    <Dialog title="Make an exception" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <p className="muted small">Rules still match these events; what they match is counted and kept as silenced, and nobody is told.</p>
        <fieldset className="radio-list">
          <legend>Of which rules</legend>
          <label>
            <input type="radio" name={`${id}-of`} checked={!isAll} onChange={() => setIsAll(false)} />
            <span>
              <strong>Only these</strong>
              {!isAll && <RulePicker value={of} onChange={setOf} />}
            </span>
          </label>
          <label>
            <input type="radio" name={`${id}-of`} checked={isAll} onChange={() => setIsAll(true)} />
            <span>
              <strong>Every rule</strong>
              <span className="muted small">those of packages that are installed later too</span>
            </span>
          </label>
        </fieldset>
        <Conditions legend="Events of which all of this is true" value={conditions} onChange={setConditions} allowsNot={false} />
        <ExceptionPreview of={of} isAll={isAll} conditions={conditions} />
        <label htmlFor={`${id}-reason`}>Why it is right</label>
        <textarea id={`${id}-reason`} className="field-input" rows={2} maxLength={1000} required placeholder="The load test signs in wrongly on purpose." value={reason} onChange={(event) => setReason(event.target.value)} />
        <div className="field-pair">
          <div className="stack">
            <label htmlFor={`${id}-expires`}>Ends</label>
            <select id={`${id}-expires`} className="field-input" value={expires} onChange={(event) => setExpires(event.target.value)}>
              {EXPIRIES.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </div>
          <div className="stack">
            <label htmlFor={`${id}-owner`}>Who answers for it</label>
            <input id={`${id}-owner`} type="text" className="field-input" autoComplete="off" maxLength={200} placeholder={me.user.name} value={owner} onChange={(event) => setOwner(event.target.value)} />
          </div>
        </div>
        {expires === '' && <p className="warn small">An exception without an end is forgotten, and what it hides with it.</p>}
        <ChangeError error={create.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {problem ?? (isMissing ? 'Say why it is right.' : undefined)}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || isMissing || create.isPending}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** Rules by title; what is typed must be one of them. */
export function RulePicker({ value, onChange }: { value: string[]; onChange: (value: string[]) => void }) {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  // A filter finds nothing that could be told or not.
  const all = (useRules().data?.rules ?? []).filter((rule) => !isFilter(rule))
  const take = (text: string): void => {
    const found = all.find((rule) => rule.id === text || rule.title === text)
    if (found && !value.includes(found.id)) onChange([...value, found.id])
    setTyped(found ? '' : text)
  }
  return (
    <span className="rule-picker">
      {value.length > 0 && (
        <span className="tags">
          {value.map((one) => {
            const title = all.find((rule) => rule.id === one)?.title ?? one
            return (
              <span key={one} className="tag tag-accent rule-chosen">
                {title}
                <button type="button" aria-label={`Take “${title}” away`} onClick={() => { field.current?.focus(); onChange(value.filter((other) => other !== one)) }}>
                  <X size={11} aria-hidden />
                </button>
              </span>
            )
          })}
        </span>
      )}
      <input ref={field} type="text" className="field-input" aria-label="Add a rule" list={`${id}-rules`} autoComplete="off" placeholder="begin to type its title or id" value={typed} onChange={(event) => take(event.target.value)} onBlur={() => take(typed)} />
      <datalist id={`${id}-rules`}>
        {all.filter((rule) => !value.includes(rule.id)).map((rule) => (
          <option key={rule.id} value={rule.id}>
            {rule.title}
          </option>
        ))}
      </datalist>
    </span>
  )
}
