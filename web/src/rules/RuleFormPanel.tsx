import { ArrowLeft } from 'lucide-react'
import { useId } from 'react'
import type { Level } from '../api/shapes'
import { Conditions } from './Conditions'
import { formProblem, type RuleForm } from './ruleForm'
import { LEVELS } from './words'

interface RuleFormPanelProps {
  form: RuleForm
  onChange: (form: RuleForm) => void
  /** Whether the YAML was changed by hand, so that the form does not write over it. */
  isByHand: boolean
  onReplace: () => void
}

/** The simple case without YAML: it writes the YAML, and never reads it back. */
export function RuleFormPanel({ form, onChange, isByHand, onReplace }: RuleFormPanelProps) {
  const id = useId()
  const problem = formProblem(form)
  const set = (change: Partial<RuleForm>): void => onChange({ ...form, ...change })
  const counts = form.count.trim() !== ''
  return (
    <div className="rule-form">
      <p className="muted small">The form writes the YAML. It does not read it back: what you change there by hand is not seen here.</p>
      <div className="tuning-field">
        <label htmlFor={`${id}-title`}>Title</label>
        <input id={`${id}-title`} type="text" className="field-input" maxLength={200} autoComplete="off" placeholder="A key was deleted" value={form.title} onChange={(event) => set({ title: event.target.value })} />
      </div>
      <div className="tuning-field">
        <label htmlFor={`${id}-level`}>Level</label>
        <select id={`${id}-level`} className="field-input" value={form.level} onChange={(event) => set({ level: event.target.value as Level })}>
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {level}
            </option>
          ))}
        </select>
      </div>
      <Conditions legend="Events of which all of this is true" value={form.conditions} onChange={(conditions) => set({ conditions })} allowsNot />
      <p className="muted small">Several values with commas: any of them. * stands for anything.</p>
      <div className="tuning-pair">
        <div className="tuning-field">
          <label htmlFor={`${id}-count`}>From how many</label>
          <input id={`${id}-count`} type="text" inputMode="numeric" className="field-input" autoComplete="off" placeholder="each one" value={form.count} onChange={(event) => set({ count: event.target.value })} />
        </div>
        <div className="tuning-field">
          <label htmlFor={`${id}-within`}>within</label>
          <input id={`${id}-within`} type="text" className="field-input mono" autoComplete="off" disabled={!counts} value={form.within} onChange={(event) => set({ within: event.target.value })} />
        </div>
      </div>
      <div className="tuning-field">
        <label htmlFor={`${id}-group`}>{counts ? 'Counted for each' : 'One finding for each'}</label>
        <input id={`${id}-group`} type="text" className="field-input mono" autoComplete="off" spellCheck={false} placeholder="initiator.name" value={form.groupBy} onChange={(event) => set({ groupBy: event.target.value })} />
      </div>
      <p className="small" role="status">
        {problem !== undefined ? <span className="muted">{problem}</span> : isByHand ? <span className="warn">You changed the YAML by hand; the form leaves it alone.</span> : <span className="good">The YAML says this.</span>}
      </p>
      {isByHand && problem === undefined && (
        <button type="button" className="button" onClick={onReplace}>
          <ArrowLeft size={14} aria-hidden /> Replace the YAML by the form
        </button>
      )}
    </div>
  )
}
