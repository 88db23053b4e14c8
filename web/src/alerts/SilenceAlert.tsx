import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import type { Alert } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { actOn, type Outcome } from './acting'
import { UntilField } from './UntilField'

/** Lets one alert tell nobody for some time. */
export function SilenceAlert({ alert, onDone, onClose }: { alert: Alert; onDone: (outcome: Outcome) => void; onClose: () => void }) {
  const id = useId()
  const [until, setUntil] = useState('8h')
  const [reason, setReason] = useState('')
  const silence = useChange({
    mutationFn: async () => {
      const outcome = await actOn([alert], () => ({ act: 'silence', until, reason: reason.trim() }))
      const [refused] = outcome.refused
      // What is wrong with the time is said beside it.
      if (refused && refused.problem.status !== 409) throw refused.problem
      return outcome
    },
    onSuccess: onDone,
  })
  return (
    <Dialog title={`Silence “${alert.rule_title}”`} className="dialog-small" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          silence.mutate()
        }}
      >
        <p className="muted small">
          It goes on counting and stays in the inbox; no channel is told of it. For more than this one alert, make a <Link to="/alerts/silences" search={{}}>silence</Link>.
        </p>
        <UntilField value={until} onChange={setUntil} />
        <label htmlFor={`${id}-reason`}>Why</label>
        <textarea id={`${id}-reason`} className="field-input" rows={2} maxLength={1000} required placeholder="Keys are rolled until tonight." value={reason} onChange={(event) => setReason(event.target.value)} />
        <ChangeError error={silence.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {until === '' ? 'Say until when.' : reason.trim() === '' && 'Say why.'}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={reason.trim() === '' || until === '' || silence.isPending}>
            Silence
          </button>
        </div>
      </form>
    </Dialog>
  )
}
