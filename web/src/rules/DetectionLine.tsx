import { CircleCheck, CircleDashed, Hourglass, TriangleAlert } from 'lucide-react'
import type { DetectionDrops } from '../api/rules'
import { bytes } from '../ui/number'
import { detectionText } from './words'

/** Whether rules run, whether they keep up, and what was let go. */
export function DetectionLine({ status }: { status: DetectionDrops | null | undefined }) {
  const { state, dropped } = detectionText(status)
  const Icon = !status ? CircleDashed : status.behind > 0 ? Hourglass : CircleCheck
  return (
    <div className="detection" role="status">
      <span className={`detection-state${!status ? '' : status.behind > 0 ? ' warn' : ' good'}`}>
        <Icon size={14} aria-hidden /> {state}
      </span>
      {status && <span className="muted small">Correlations remember about {bytes(status.state_bytes)}.</span>}
      {dropped !== undefined && (
        <span className="detection-state warn">
          <TriangleAlert size={14} aria-hidden /> {dropped}
        </span>
      )}
    </div>
  )
}
