import { Link } from '@tanstack/react-router'
import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { useSigned } from './me'
import { READS_EVENTS, type Permission } from './rights'

/** One of these permissions; or, for what tells of every event of the account, that none of them is hidden. */
export type Need = readonly Permission[] | 'all-events'

/** The page, for whoever may see it; otherwise what is missing and whom to ask. */
export function Gate({ need, children }: { need: Need; children: ReactNode }) {
  const { rights } = useSigned()
  const mayPass = need === 'all-events' ? rights.seesAllEvents : rights.mayAny(need)
  return mayPass ? children : <Refused need={need} />
}

export function Refused({ need }: { need: Need }) {
  const { account, rights } = useSigned()
  const isOfAll = need === 'all-events'
  return (
    <div className="state">
      <Lock size={28} aria-hidden />
      <h1>You may not see this</h1>
      <p>
        Ask an administrator of <strong>{rights.membership?.title ?? account}</strong> for{' '}
        {(isOfAll ? READS_EVENTS : need).map((permission, at) => (
          <span key={permission}>
            {at > 0 && (isOfAll ? ' and ' : ' or ')}
            <code>{permission}</code>
          </span>
        ))}
        {isOfAll && ', without limits: what stands here tells of every event of the account'}.
      </p>
      <div className="state-actions">
        <Link to="/me/activity" className="button">
          Go to My activity
        </Link>
      </div>
    </div>
  )
}
