import { useId, useState } from 'react'
import type { Alert } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { actOn, type Outcome } from './acting'
import { named } from './words'

const REASONS = ['It was planned', 'A false alarm', 'Mended']

interface ResolveDialogProps {
  alerts: readonly Alert[]
  proposed: string
  onDone: (outcome: Outcome) => void
  onClose: () => void
}

export function ResolveDialog({ alerts, proposed, onDone, onClose }: ResolveDialogProps) {
  const id = useId()
  const [reason, setReason] = useState(proposed)
  // That somebody made whodid blind is not put away without a word.
  const needsReason = alerts.some((alert) => alert.is_guard)
  const resolve = useChange({ mutationFn: () => actOn(alerts, (alert) => ({ act: 'resolve', reason: reason.trim(), revision: alert.revision })), onSuccess: onDone })
  return (
    <Dialog title={`Resolve ${named(alerts)}`} className="dialog-small" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          resolve.mutate()
        }}
      >
        <label htmlFor={`${id}-reason`}>Why {alerts.length === 1 ? 'it is' : 'they are'} over{needsReason ? '' : ' (optional)'}</label>
        <textarea id={`${id}-reason`} className="field-input" rows={3} maxLength={1000} required={needsReason} data-focus value={reason} onChange={(event) => setReason(event.target.value)} />
        <div className="quick">
          {REASONS.map((text) => (
            <button key={text} type="button" className="code-button" aria-pressed={reason === text} onClick={() => setReason(reason === text ? '' : text)}>
              {text}
            </button>
          ))}
        </div>
        <p className="muted small">What happens again within a day opens {alerts.length === 1 ? 'it' : 'them'} again; later it is another alert.</p>
        <ChangeError error={resolve.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {needsReason && reason.trim() === '' && 'Say why: it tells that whodid was made blind.'}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={resolve.isPending || (needsReason && reason.trim() === '')}>
            Resolve
          </button>
        </div>
      </form>
    </Dialog>
  )
}
