/** What must be done before anything else: one thing at a time, on a page of its own. */
import { lazy, Suspense } from 'react'
import type { Me, Need } from '../api/shapes'
import { Notices } from '../ui/notice'
import { ChangePassword } from './ChangePassword'
import { Reauthenticate } from './Reauthenticate'
import { SignInFrame } from './SignInFrame'

// With what draws QR codes, which few visits need.
const SetUpMfa = lazy(() => import('./SetUpMfa').then((module) => ({ default: module.SetUpMfa })))

const TITLES: Record<Need, [string, string]> = {
  set_password: ['Set a password', 'You came by a one-time link. With a password you can sign in again.'],
  change_password: ['Change your password', 'A new one is needed before you go on: an administrator asks for it, or something was reported that was not you.'],
  set_up_mfa: ['Set up a second factor', 'This account asks everybody for a code of an authenticator app at signing in.'],
}

export function NeedsPage({ me, need, onDone, onSignOut }: { me: Me; need: Need; onDone: () => void; onSignOut: () => void }) {
  const [title, lead] = TITLES[need]
  const count = me.needs.length
  return (
    <>
      <SignInFrame title={title} lead={lead} wide={need === 'set_up_mfa'}>
        <Suspense fallback={<div className="mfa-skeleton" aria-hidden />}>{need === 'set_up_mfa' ? <SetUpMfa user={me.user.name} onDone={onDone} /> : <ChangePassword me={me} onDone={onDone} />}</Suspense>
        <div className="sign-in-ways">
          <span className="muted small">
            Signed in as {me.user.name}
            {count > 1 && ` · ${count} things to do first`}
          </span>
          <button type="button" className="link-button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </SignInFrame>
      <Reauthenticate />
      <Notices />
    </>
  )
}
