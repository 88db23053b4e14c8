import { useId, useState } from 'react'
import { insights } from '../api/insights'
import type { Insight } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'

interface UsefulDialogProps {
  insight: Insight
  onDone: (insight: Insight) => void
  onClose: () => void
}

export function UsefulDialog({ insight, onDone, onClose }: UsefulDialogProps) {
  const id = useId()
  const [reason, setReason] = useState(insight.verdict === 'useful' ? (insight.verdict_reason ?? '') : '')
  const say = useChange({ mutationFn: () => insights.say(insight.id, { verdict: 'useful', ...(reason.trim() === '' ? {} : { reason: reason.trim() }) }), onSuccess: onDone })
  return (
    <Dialog title="This was useful" className="dialog-small" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (!say.isPending) say.mutate()
        }}
      >
        <label htmlFor={`${id}-reason`}>What came of it (optional)</label>
        <textarea id={`${id}-reason`} className="field-input" rows={3} maxLength={1000} data-focus placeholder="A key that had leaked; it is revoked." value={reason} onChange={(event) => setReason(event.target.value)} />
        <p className="muted small">It stays in the list. Others see that somebody looked.</p>
        <ChangeError error={say.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={say.isPending}>
            Useful
          </button>
        </div>
      </form>
    </Dialog>
  )
}
