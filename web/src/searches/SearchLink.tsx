/** The search that is watched, leading to where its events are. */
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Watched } from '../api/searches'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { isStream, wholeQuery } from './words'

interface SearchLinkProps {
  watched: Watched
  className?: string
  from?: string
  children: ReactNode
}

export function SearchLink({ watched, className = '', from, children }: SearchLinkProps) {
  const { rights } = useSigned()
  const q = wholeQuery(watched)
  const stream = isStream(watched.stream) ? watched.stream : 'activity'
  const search = { ...(q === '' ? {} : { q }), ...(from === undefined ? {} : { from }) }
  if (stream === 'activity' && rights.mayAny(READS_EVENTS)) {
    return (
      <Link to="/activity" search={search} preload={false} className={className} title={`${q}\nOpen in Activity`}>
        {children}
      </Link>
    )
  }
  if (stream === 'audit' && rights.may('audit.read')) {
    return (
      <Link to="/audit" search={search} preload={false} className={className} title={`${q}\nOpen in the audit log`}>
        {children}
      </Link>
    )
  }
  // Rejects are listed, not searched.
  if (stream === 'rejects' && rights.may('rejects.read')) {
    return (
      <Link to="/rejects" search={{}} preload={false} className={className} title={`${q}\nOpen the rejects`}>
        {children}
      </Link>
    )
  }
  if (stream === 'insights' && rights.seesAllEvents) {
    return (
      <Link to="/activity" search={{ ...search, stream }} preload={false} className={className} title={`${q}\nOpen the events of insights`}>
        {children}
      </Link>
    )
  }
  return <span className={className}>{children}</span>
}
