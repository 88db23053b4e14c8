import { useQueryClient } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useId, useState } from 'react'
import { alerts } from '../api/alerts'
import type { Level } from '../api/shapes'
import { RulePicker } from '../rules/CreateException'
import { useFieldNames } from '../rules/Conditions'
import { LEVELS } from '../rules/words'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { leaveRow } from '../ui/leaveRow'
import { notify } from '../ui/notice'
import { UntilField } from './UntilField'

export function CreateSilence({ onClose }: { onClose: () => void }) {
  const id = useId()
  const client = useQueryClient()
  const { rights } = useSigned()
  const names = useFieldNames()
  const [ofRules, setOfRules] = useState<string[]>([])
  const [severities, setSeverities] = useState<readonly Level[]>([])
  const [pairs, setPairs] = useState<{ key: string; value: string }[]>([])
  const [until, setUntil] = useState('8h')
  const [reason, setReason] = useState('')
  const group = pairs.map((pair) => ({ key: pair.key.trim(), value: pair.value.trim() })).filter((pair) => pair.key !== '' || pair.value !== '')
  const create = useChange({
    mutationFn: () => alerts.createSilence({ rule_ids: ofRules, severities: [...severities], group, until, reason: reason.trim() }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['silences'] })
      void client.invalidateQueries({ queryKey: ['history'] })
      notify('The silence holds from now on')
      onClose()
    },
  })
  const problem =
    ofRules.length === 0 && severities.length === 0 && group.length === 0 ? 'Say of what: a rule, a severity or a value.' : group.some((pair) => pair.key === '' || pair.value === '') ? 'A value needs a field, and a field a value.' : until === '' ? 'Say until when.' : reason.trim() === '' ? 'Say why.' : undefined
  const set = (at: number, change: Partial<{ key: string; value: string }>): void => setPairs(pairs.map((pair, index) => (index === at ? { ...pair, ...change } : pair)))
  return (
    <Dialog title="Make a silence" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <p className="muted small">Alerts that are like all of this are told to no channel. What is left open fits everything. Making a silence is itself told.</p>
        <fieldset className="stack">
          <legend>Of one of these rules</legend>
          {rights.may('rules.read') ? (
            <RulePicker value={ofRules} onChange={setOfRules} />
          ) : (
            <input type="text" className="field-input mono" aria-label="Ids of rules" placeholder="ids, with commas between" onChange={(event) => setOfRules(event.target.value.split(',').map((text) => text.trim()).filter((text) => text !== ''))} />
          )}
        </fieldset>
        <fieldset className="severity-checks">
          <legend>Of one of these severities</legend>
          {LEVELS.map((level) => (
            <label key={level} className="check">
              <input type="checkbox" checked={severities.includes(level)} onChange={(event) => setSeverities(event.target.checked ? [...severities, level] : severities.filter((other) => other !== level))} />
              <span>{level}</span>
            </label>
          ))}
        </fieldset>
        <fieldset className="conditions">
          <legend>Whose findings have in common</legend>
          <datalist id={`${id}-fields`}>
            {names.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {pairs.map((pair, at) => (
            <div key={at} className="pair-row">
              <input type="text" className="field-input mono" aria-label={`Field ${at + 1}`} list={`${id}-fields`} placeholder="initiator.name" autoComplete="off" spellCheck={false} value={pair.key} onChange={(event) => set(at, { key: event.target.value })} />
              <input type="text" className="field-input mono" aria-label={`Value ${at + 1}`} placeholder="exact value" autoComplete="off" spellCheck={false} value={pair.value} onChange={(event) => set(at, { value: event.target.value })} />
              <button type="button" className="icon-button small" aria-label={`Remove value ${at + 1}`} onClick={(event) => { leaveRow(event.currentTarget); setPairs(pairs.filter((_, index) => index !== at)) }}>
                <X size={14} aria-hidden />
              </button>
            </div>
          ))}
          <button type="button" className="link-button" onClick={() => setPairs([...pairs, { key: '', value: '' }])}>
            <Plus size={13} aria-hidden /> Add a value
          </button>
        </fieldset>
        <UntilField value={until} onChange={setUntil} />
        <label htmlFor={`${id}-reason`}>Why</label>
        <textarea id={`${id}-reason`} className="field-input" rows={2} maxLength={1000} required placeholder="A drill: everybody signs in wrongly until noon." value={reason} onChange={(event) => setReason(event.target.value)} />
        <ChangeError error={create.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {problem}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || create.isPending}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  )
}
