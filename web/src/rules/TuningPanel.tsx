/** What differs from the rule for this account: it is kept apart from the rule and survives upgrades of its package. */
import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { rules } from '../api/rules'
import type { RuleDetail } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { ChangeError, Confirm } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { useRuleChanged, useRulesAgain } from './queries'
import { statedLevel, statedPolicy, statedThreshold } from './statedPolicy'
import { asStated, KEEP, tuningOf, type TuningDraft } from './tuning'
import { isCorrelation, LEVELS } from './words'

const COMPARISONS: Record<string, string> = { gte: 'at least', gt: 'more than', lte: 'at most', lt: 'less than', eq: 'exactly', neq: 'anything but' }

export function TuningPanel({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { rights } = useSigned()
  const changed = useRuleChanged()
  const again = useRulesAgain()
  const id = useId()
  const stated = statedPolicy(detail.text, rule.id)
  const comparison = isCorrelation(rule) ? statedThreshold(detail.text, rule.id) : undefined
  const own: TuningDraft = { ...stated, level: KEEP, comparison: comparison?.value ?? '' }
  const [before, setBefore] = useState(own)
  const [draft, setDraft] = useState(before)
  const [isResetting, setIsResetting] = useState(false)
  const mayManage = rights.may('rules.manage')
  const update = tuningOf(before, draft)
  const isChanged = Object.keys(update).length > 0
  const save = useChange({
    mutationFn: () => rules.update(rule.id, update),
    onSuccess: (now) => {
      changed(now)
      const saved = { ...draft, level: KEEP }
      setBefore(saved)
      setDraft(saved)
      notify('The tuning is saved')
    },
  })
  const set = (change: Partial<TuningDraft>): void => setDraft({ ...draft, ...change })
  const ownLevel = statedLevel(detail.text, rule.id) ?? 'medium'
  return (
    <form
      className="tuning"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      {rule.is_tuned && (
        <p className="banner">
          This rule is tuned. {rights.may('audit.read') ? <Link to="/audit" search={{ q: historyOf(['rule'], rule.id), from: 'all' }}>The audit log</Link> : 'The audit log'} says what was set and by whom; after a reload the fields below show what the rule itself says.
        </p>
      )}
      <fieldset disabled={!mayManage}>
        <legend className="visually-hidden">Tuning</legend>
        <div className="tuning-field">
          <label htmlFor={`${id}-level`}>Level</label>
          <select id={`${id}-level`} className="field-input" value={draft.level} onChange={(event) => set({ level: event.target.value })}>
            <option value={KEEP}>{rule.level}, as now</option>
            {rule.level !== ownLevel && <option value="default">{ownLevel}, as the rule says</option>}
            {LEVELS.filter((level) => level !== rule.level && !(level === ownLevel && rule.level !== ownLevel)).map((level) => (
              <option key={level} value={level}>
                {level}
                {level === ownLevel ? ', as the rule says' : ''}
              </option>
            ))}
          </select>
        </div>
        {comparison && (
          <Field id={`${id}-comparison`} label="Compared with" hint={`The rule says ${COMPARISONS[comparison.comparison] ?? comparison.comparison} ${comparison.value}.`} type="number" value={draft.comparison} onChange={(value) => set({ comparison: value })} />
        )}
        <h3>When a match becomes a finding</h3>
        <Field id={`${id}-key`} label="One finding for each" hint="Fields, with commas between them; empty for who did it, or a correlation’s group." isMono value={draft.dedup_key} placeholder="initiator.name, target.id" onChange={(value) => set({ dedup_key: value })} />
        <Field id={`${id}-window`} label="Folded for" hint="A time such as 60m or 24h; 0 makes every match a finding." isMono value={draft.dedup_window} onChange={(value) => set({ dedup_window: value })} isRequired />
        <div className="tuning-pair">
          <Field id={`${id}-threshold`} label="From matches" type="number" value={draft.threshold} onChange={(value) => set({ threshold: value })} isRequired />
          <Field id={`${id}-within`} label="within" isMono value={draft.threshold_window} onChange={(value) => set({ threshold_window: value })} isRequired />
        </div>
        <Field id={`${id}-cap`} label="At most a day" hint="Findings; further ones are counted and told once. Empty for no limit." type="number" value={draft.daily_cap} placeholder="no limit" onChange={(value) => set({ daily_cap: value })} />
      </fieldset>
      <ChangeError error={save.error} />
      {mayManage ? (
        <div className="button-row">
          <button type="submit" className="button primary" disabled={!isChanged || save.isPending}>
            {save.isPending ? 'Saving…' : 'Save the tuning'}
          </button>
          {isChanged && (
            <button type="button" className="button" onClick={() => setDraft(before)}>
              Undo
            </button>
          )}
          <span className="spring" />
          {rule.is_tuned && (
            <button type="button" className="button" onClick={() => setIsResetting(true)}>
              Reset to default
            </button>
          )}
        </div>
      ) : (
        <p className="muted small">
          Tuning needs <code>rules.manage</code>.
        </p>
      )}
      {isResetting && (
        <Confirm
          title="Reset to default"
          action="Reset"
          isGrave={false}
          change={() => reset(detail)}
          onDone={() => {
            again()
            setBefore(own)
            setDraft(own)
            notify('The rule is as it says itself')
            setIsResetting(false)
          }}
          onClose={() => setIsResetting(false)}
        >
          <p>The level, the comparison and the policy of “{rule.title}” go back to what the rule says itself. Whether it runs stays as it is.</p>
          {rule.package == null && <p className="muted">The mark “tuned” stays on a rule of your own: what was set is set to the same again.</p>}
        </Confirm>
      )}
    </form>
  )
}

/** A package’s rule forgets its tuning; one’s own is set to what its text says, as forgetting would take the rule itself. */
async function reset({ rule, text }: RuleDetail): Promise<void> {
  if (rule.package == null) {
    await rules.update(rule.id, asStated(text, rule))
    return
  }
  await rules.delete(rule.id)
  const now = await rules.get(rule.id, new AbortController().signal)
  if (now.rule.is_enabled !== rule.is_enabled) await rules.update(rule.id, { is_enabled: rule.is_enabled })
}

interface FieldProps {
  id: string
  label: string
  hint?: string
  type?: 'text' | 'number'
  isMono?: boolean
  isRequired?: boolean
  placeholder?: string
  value: string
  onChange: (value: string) => void
}

function Field({ id, label, hint, type = 'text', isMono = false, isRequired = false, placeholder, value, onChange }: FieldProps) {
  return (
    <div className="tuning-field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type={type} className={`field-input${isMono ? ' mono' : ''}`} autoComplete="off" spellCheck={false} min={type === 'number' ? 0 : undefined} step="any" required={isRequired} placeholder={placeholder} value={value} aria-describedby={hint === undefined ? undefined : `${id}-hint`} onChange={(event) => onChange(event.target.value)} />
      {hint !== undefined && (
        <p className="muted small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
