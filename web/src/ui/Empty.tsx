import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** Nothing there yet, and what that means. */
export function Empty({ Icon, title, children }: { Icon: LucideIcon; title: string; children: ReactNode }) {
  return (
    <div className="state">
      <Icon size={28} aria-hidden />
      <h2>{title}</h2>
      {children}
    </div>
  )
}
