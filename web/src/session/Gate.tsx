import { Link } from '@tanstack/react-router'
import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { useSigned } from './me'
import type { Permission } from './rights'

/** The page, for whoever may see it; otherwise what is missing and whom to ask. */
export function Gate({ need, children }: { need: readonly Permission[]; children: ReactNode }) {
  const { rights } = useSigned()
  return rights.mayAny(need) ? children : <Refused need={need} />
}

export function Refused({ need }: { need: readonly Permission[] }) {
  const { account, rights } = useSigned()
  return (
    <div className="state">
      <Lock size={28} aria-hidden />
      <h1>You may not see this</h1>
      <p>
        Ask an administrator of <strong>{rights.membership?.title ?? account}</strong> for{' '}
        {need.map((permission, at) => (
          <span key={permission}>
            {at > 0 && ' or '}
            <code>{permission}</code>
          </span>
        ))}
        .
      </p>
      <div className="state-actions">
        <Link to="/me/activity" className="button">
          Go to My activity
        </Link>
      </div>
    </div>
  )
}
