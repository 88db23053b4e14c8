import { CircleCheck, CircleDot, Eye } from 'lucide-react'
import type { AlertStatus } from '../api/shapes'
import { STATUS_MEANS } from './words'

const ICONS = { open: CircleDot, acknowledged: Eye, resolved: CircleCheck }

/** Where an alert stands, as an icon and a word. */
export function StatusMark({ status }: { status: AlertStatus }) {
  const Icon = ICONS[status]
  return (
    <span className={`status-mark status-${status}`} title={STATUS_MEANS[status]}>
      <Icon size={13} strokeWidth={2.3} aria-hidden />
      {status}
    </span>
  )
}
