import { Check, CheckCheck, UserRound, X } from 'lucide-react'
import type { Alert } from '../api/shapes'
import { useActing } from './acting'
import { AssignPicker } from './AssignPicker'

/** What can be done to several at once; stands in place of the filters. */
export function BulkBar({ chosen, total, onAll, onClear }: { chosen: Alert[]; total: number; onAll: () => void; onClear: () => void }) {
  const acting = useActing()
  return (
    <div className="inbox-filters bulk-bar" role="group" aria-label="Chosen alerts">
      <strong className="bulk-count" role="status">
        {chosen.length} chosen
      </strong>
      <button type="button" className="button small" disabled={acting.isBusy} onClick={() => acting.acknowledge(chosen)}>
        <Check size={13} aria-hidden /> Acknowledge
      </button>
      <button type="button" className="button small" disabled={acting.isBusy} onClick={() => acting.ask('resolve', chosen)}>
        <CheckCheck size={13} aria-hidden /> Resolve
      </button>
      <AssignPicker current={undefined} onAssign={(to) => acting.assign(chosen, to)}>
        <button type="button" className="button small" disabled={acting.isBusy}>
          <UserRound size={13} aria-hidden /> Assign
        </button>
      </AssignPicker>
      <span className="spring" />
      {chosen.length < total && (
        <button type="button" className="link-button" onClick={onAll}>
          All {total}
        </button>
      )}
      <button type="button" className="icon-button small" aria-label="Choose none" onClick={onClear}>
        <X size={14} aria-hidden />
      </button>
    </div>
  )
}
