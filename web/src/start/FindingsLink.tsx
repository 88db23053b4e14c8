import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { ActivitySearch } from '../activity/search'

interface FindingsLinkProps {
  /** Nothing for what has no events of its own: then it is only text. */
  to: ActivitySearch | undefined
  className?: string
  label?: string
  title?: string
  children: ReactNode
}

/** A number that leads to what it counts. */
export function FindingsLink({ to, className, label, title, children }: FindingsLinkProps) {
  if (to === undefined) return <span className={className} title={title}>{children}</span>
  return (
    <Link to="/activity" search={to} preload={false} className={className} aria-label={label} title={title}>
      {children}
    </Link>
  )
}
