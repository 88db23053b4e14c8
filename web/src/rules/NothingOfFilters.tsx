import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** Why a part of the editor has nothing to do for a text that holds only filters. */
export function NothingOfFilters({ Icon, children }: { Icon: LucideIcon; children: ReactNode }) {
  return (
    <p className="empty-line">
      <Icon size={15} aria-hidden />
      <span>{children}</span>
    </p>
  )
}
