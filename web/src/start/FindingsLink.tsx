import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { ActivitySearch } from '../activity/search'

interface FindingsLinkProps {
  /** Nothing for what has no events of its own: then it is only text. */
  to: ActivitySearch | undefined
  className?: string
  title?: string
  children: ReactNode
}

/** A number that leads to what it counts. */
export function FindingsLink({ to, className, title, children }: FindingsLinkProps) {
  if (to === undefined) return <span className={className} title={title}>{children}</span>
  return (
    <Link to="/activity" search={to} preload={false} className={className} title={title}>
      {children}
    </Link>
  )
}
