/** Makes a preset or changes one: channels with when each is told. */
import { useId, useState } from 'react'
import { createPortal } from 'react-dom'
import { searches } from '../api/searches'
import type { TellingPreset } from '../api/shapes'
import { useChange } from '../session/change'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { below, elsewhere, problemsOf } from './problems'
import { useSearchesChanged } from './queries'
import { Said, saidOf } from './Said'
import { emptyTrigger, presetForm, presetOf, presetProblem, type PresetForm } from './searchForm'
import { ToldFields } from './ToldFields'
import { andWords } from './words'

const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

interface PresetDialogProps {
  /** The one to change; a new one without. */
  preset?: TellingPreset | undefined
  onDone: (saved: TellingPreset) => void
  onClose: () => void
}

export function PresetDialog({ preset, onDone, onClose }: PresetDialogProps) {
  const id = useId()
  const changed = useSearchesChanged()
  const [form, setForm] = useState<PresetForm>(() => (preset ? presetForm(preset, ownZone()) : { name: '', channels: [{ channel: '', trigger: emptyTrigger(ownZone()) }] }))
  const save = useChange({
    mutationFn: () => (preset ? searches.updatePreset(preset.id, presetOf(form)) : searches.createPreset(presetOf(form))),
    onSuccess: (saved) => {
      changed()
      notify(`The preset “${saved.name}” is ${preset ? 'changed' : 'made'}`)
      onDone(saved)
    },
  })
  const problems = problemsOf(save.error)
  const rest = elsewhere(problems, (member) => member === 'name' || member.startsWith('channels'))
  const problem = presetProblem(form)
  // Beside the page, not inside a form that is open: a form in a form would send that one.
  return createPortal(
    <Dialog title={preset ? `Change the preset “${preset.name}”` : 'New preset'} className="search-dialog" onClose={onClose}>
      <form
        className="stack channel-form"
        onSubmit={(event) => {
          event.preventDefault()
          event.stopPropagation()
          if (problem === undefined && !save.isPending) save.mutate()
        }}
      >
        {preset && preset.used_by.length > 0 && <p className="muted small">What is changed holds for {andWords(preset.used_by.map((name) => `“${name}”`))} too.</p>}
        <div className="stack-tight">
          <label htmlFor={`${id}-name`}>Name</label>
          <input id={`${id}-name`} type="text" className="field-input" required maxLength={100} autoComplete="off" placeholder="On call, at night" {...saidOf(problems, 'name', `${id}-name-said`)} value={form.name} onChange={(event) => setForm({ ...form, name: event.target.value })} />
          <Said problems={problems} of="name" id={`${id}-name-said`} />
        </div>
        <ToldFields told={form.channels} first={emptyTrigger(ownZone())} onChange={(channels) => setForm({ ...form, channels })} problems={below(problems, 'channels')} />
        {rest !== undefined && (
          <p className="banner error" role="alert">
            {rest}
          </p>
        )}
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {problem}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || save.isPending}>
            {preset ? 'Save' : 'Make the preset'}
          </button>
        </div>
      </form>
    </Dialog>,
    document.body,
  )
}
