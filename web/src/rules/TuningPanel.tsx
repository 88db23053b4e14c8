/** What differs from the rule for this account: it is kept apart from the rule and survives upgrades of its package. */
import { RotateCcw } from 'lucide-react'
import { useId, useState, type ReactNode } from 'react'
import { rules } from '../api/rules'
import type { RuleDetail } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError, Confirm } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { useRuleChanged } from './queries'
import { statedComparison } from './statedComparison'
import { differing, heldOf, isSame, statedOf, tuningOf, type TuningName } from './tuning'
import { LEVEL_MEANS, LEVELS } from './words'

const COMPARISONS: Record<string, string> = { gte: 'at least', gt: 'more than', lte: 'at most', lt: 'less than', eq: 'exactly', neq: 'anything but' }

/** How an empty value of the rule reads. */
const UNSAID: Partial<Record<TuningName, string>> = { dedup_key: 'who did it, or the group', daily_cap: 'no limit' }

export function TuningPanel({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { rights } = useSigned()
  const changed = useRuleChanged()
  const id = useId()
  const stated = statedOf(detail)
  const held = heldOf(detail)
  const [draft, setDraft] = useState(held)
  const [isResetting, setIsResetting] = useState(false)
  const mayManage = rights.may('rules.manage')
  const tuned = differing(stated, held)
  const isChanged = differing(held, draft).length > 0
  const comparison = stated.comparison === '' ? undefined : (statedComparison(detail.text, rule.id) ?? 'gte')
  const save = useChange({
    mutationFn: () => rules.update(rule.id, tuningOf(stated, draft)),
    onSuccess: (now) => {
      changed(now)
      setDraft(heldOf(now))
      notify('The tuning is saved')
    },
  })
  const set = (name: TuningName) => (value: string) => setDraft({ ...draft, [name]: value })
  const own = (name: TuningName): ReactNode =>
    isSame(name, stated[name], draft[name]) ? null : (
      <p className="stated small">
        <span>
          The rule says <strong className={name === 'level' || name === 'comparison' ? undefined : 'mono'}>{stated[name] === '' ? UNSAID[name] : stated[name]}</strong>
        </span>
        {mayManage && (
          <button type="button" className="link-button" aria-label={`Back to the rule’s own: ${stated[name] === '' ? (UNSAID[name] ?? '') : stated[name]}`} onClick={() => set(name)(stated[name])}>
            <RotateCcw size={11} aria-hidden /> Back to the rule’s own
          </button>
        )}
      </p>
    )
  return (
    <form
      className="tuning"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      {tuned.length > 0 && (
        <div className="banner tuned-banner">
          <span>
            {tuned.length === 1 ? 'One value differs' : `${tuned.length} values differ`} from what the rule says. {rule.package == null ? '' : 'An upgrade of its package leaves that as it is.'}
          </span>
          {mayManage && (
            <button type="button" className="button small" onClick={() => setIsResetting(true)}>
              <RotateCcw size={12} aria-hidden /> All back to the rule’s own
            </button>
          )}
        </div>
      )}
      <fieldset disabled={!mayManage}>
        <legend className="visually-hidden">Tuning</legend>
        <div className="tuning-field">
          <label htmlFor={`${id}-level`}>Level</label>
          <select id={`${id}-level`} className="field-input" value={draft.level} onChange={(event) => set('level')(event.target.value)}>
            {LEVELS.map((level) => (
              <option key={level} value={level}>
                {level}: {LEVEL_MEANS[level]}
              </option>
            ))}
          </select>
          {own('level')}
        </div>
        {comparison !== undefined && (
          <Field id={`${id}-comparison`} label={`Compared with: ${COMPARISONS[comparison] ?? comparison}`} type="number" value={draft.comparison} onChange={set('comparison')} isRequired>
            {own('comparison')}
          </Field>
        )}
        <h3>When a match becomes a finding</h3>
        <Field id={`${id}-key`} label="One finding for each" hint="Fields, with commas between them." isMono value={draft.dedup_key} placeholder={UNSAID.dedup_key} onChange={set('dedup_key')}>
          {own('dedup_key')}
        </Field>
        <Field id={`${id}-window`} label="Folded for" hint="A time such as 60m or 24h; 0 makes every match a finding." isMono value={draft.dedup_window} onChange={set('dedup_window')} isRequired>
          {own('dedup_window')}
        </Field>
        <div className="tuning-pair">
          <Field id={`${id}-threshold`} label="From matches" type="number" least={1} value={draft.threshold} onChange={set('threshold')} isRequired>
            {own('threshold')}
          </Field>
          <Field id={`${id}-within`} label="within" isMono value={draft.threshold_window} onChange={set('threshold_window')} isRequired>
            {own('threshold_window')}
          </Field>
        </div>
        <Field id={`${id}-cap`} label="At most a day" hint="Findings; further ones are counted and told once. Empty for no limit." type="number" least={1} value={draft.daily_cap} placeholder="no limit" onChange={set('daily_cap')}>
          {own('daily_cap')}
        </Field>
      </fieldset>
      <ChangeError error={save.error} />
      {mayManage ? (
        <div className="button-row">
          <button type="submit" className="button primary" disabled={!isChanged || save.isPending}>
            {save.isPending ? 'Saving…' : 'Save the tuning'}
          </button>
          {isChanged && (
            <button type="button" className="button" onClick={() => setDraft(held)}>
              Undo
            </button>
          )}
          {isChanged && <span className="muted small">Not saved yet.</span>}
        </div>
      ) : (
        <p className="muted small">
          Tuning needs <code>rules.manage</code>.
        </p>
      )}
      {isResetting && (
        <Confirm
          title="Back to the rule’s own"
          action="Take it all back"
          isGrave={false}
          change={() => rules.update(rule.id, { reset: true })}
          onDone={(now) => {
            changed(now)
            setDraft(heldOf(now))
            notify('The rule is as it says itself')
            setIsResetting(false)
          }}
          onClose={() => setIsResetting(false)}
        >
          <p>All that was tuned of “{rule.title}” is forgotten, and it is as it says itself. Whether it runs stays as it is.</p>
        </Confirm>
      )}
    </form>
  )
}

interface FieldProps {
  id: string
  label: string
  hint?: string
  type?: 'text' | 'number'
  isMono?: boolean
  isRequired?: boolean
  /** Least number. */
  least?: number
  placeholder?: string | undefined
  value: string
  onChange: (value: string) => void
  /** What the rule itself says, where that differs. */
  children: ReactNode
}

function Field({ id, label, hint, type = 'text', isMono = false, isRequired = false, least = 0, placeholder, value, onChange, children }: FieldProps) {
  return (
    <div className="tuning-field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type={type} className={`field-input${isMono ? ' mono' : ''}`} autoComplete="off" spellCheck={false} min={type === 'number' ? least : undefined} step={least > 0 ? 1 : 'any'} required={isRequired} placeholder={placeholder} value={value} aria-describedby={hint === undefined ? undefined : `${id}-hint`} onChange={(event) => onChange(event.target.value)} />
      {children}
      {hint !== undefined && (
        <p className="muted small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
