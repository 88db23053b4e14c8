/** How one signs in, and what acts in one's name: password, second factor, sessions, tokens. */
import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { own } from '../api/own'
import { useChange } from '../session/change'
import { ChangePassword } from '../session/ChangePassword'
import { useSigned } from '../session/me'
import { RecoveryCodes } from '../session/RecoveryCodes'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { SessionCards } from './SessionCards'
import { Tokens } from './Tokens'

// With what draws QR codes, which few visits need.
const SetUpMfa = lazy(() => import('../session/SetUpMfa').then((module) => ({ default: module.SetUpMfa })))

export function SecurityPage() {
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <h1>Security</h1>
        <p className="muted">How you sign in, and what acts in your name.</p>
      </header>
      <Password />
      <SecondFactor />
      <section className="panel" aria-labelledby="sessions">
        <h2 id="sessions">Sessions</h2>
        <SessionCards />
      </section>
      <Tokens />
    </div>
  )
}

function Password() {
  const { me } = useSigned()
  const [isOpen, setIsOpen] = useState(false)
  // Not for people of the identity provider, nor where passwords are off: the server takes none of theirs.
  const isDue = me.needs.includes('set_password')
  return (
    <section className="panel panel-line" aria-labelledby="password">
      <div>
        <h2 id="password">Password</h2>
        <p className={isDue ? undefined : 'muted'}>
          {me.has_password
            ? `Set. New ones have at least ${me.password_length_min} characters; all your other sessions end when you change it.`
            : isDue
              ? 'You have none yet. You came by a one-time link, which does not work again: with a password you can sign in by yourself.'
              : 'You have none here and need none: the identity provider or a one-time link lets you in. A password of the provider is changed there.'}
        </p>
      </div>
      {(me.has_password || isDue) && (
        <button type="button" className={`button${isDue ? ' primary' : ''}`} onClick={() => setIsOpen(true)}>
          {me.has_password ? 'Change the password' : 'Set a password'}
        </button>
      )}
      {isOpen && (
        <Dialog title={me.has_password ? 'Change the password' : 'Set a password'} className="dialog-small" onClose={() => setIsOpen(false)}>
          <ChangePassword
            me={me}
            onCancel={() => setIsOpen(false)}
            onDone={() => {
              setIsOpen(false)
              notify(me.has_password ? 'Your new password counts. All other sessions have ended.' : 'Your password is set. All other sessions have ended.')
            }}
          />
        </Dialog>
      )}
    </section>
  )
}

const CODES_FEW = 3

function SecondFactor() {
  const { me } = useSigned()
  const client = useQueryClient()
  const [open, setOpen] = useState<'set-up' | 'remove' | 'renew' | undefined>()
  const close = (): void => setOpen(undefined)
  const again = (): void => void client.invalidateQueries({ queryKey: ['me'] })
  return (
    <section className="panel panel-line" aria-labelledby="mfa">
      <div>
        <h2 id="mfa">Second factor {me.has_mfa && <span className="tag tag-good">on</span>}</h2>
        <p className="muted">
          {me.has_mfa ? 'A code of your authenticator app is asked for at signing in.' : me.has_password ? 'With a code of an authenticator app at signing in, your password alone opens nothing.' : 'With a code of an authenticator app at signing in, nobody gets in with only a link or the provider’s word.'}
        </p>
        {me.has_mfa && (
          <p className={me.recovery_codes_left <= CODES_FEW ? 'warn' : 'muted'}>
            {me.recovery_codes_left === 0 ? 'No recovery code is left. Make new ones before you need one.' : `${me.recovery_codes_left} recovery ${me.recovery_codes_left === 1 ? 'code is' : 'codes are'} left.`}
          </p>
        )}
      </div>
      <div className="button-row">
        {me.has_mfa ? (
          <>
            <button type="button" className="button" onClick={() => setOpen('renew')}>
              New recovery codes
            </button>
            <button type="button" className="button danger" onClick={() => setOpen('remove')}>
              Remove
            </button>
          </>
        ) : (
          <button type="button" className="button" onClick={() => setOpen('set-up')}>
            Set up
          </button>
        )}
      </div>
      {open === 'set-up' && (
        <Dialog title="Set up a second factor" onClose={close}>
          <Suspense fallback={<div className="mfa-skeleton" aria-hidden />}>
            <SetUpMfa
              user={me.user.name}
              onDone={() => {
                close()
                notify('The second factor is on')
              }}
            />
          </Suspense>
        </Dialog>
      )}
      {open === 'remove' && (
        <Confirm
          title="Remove the second factor?"
          action="Remove"
          change={own.removeTotp}
          onClose={close}
          onDone={() => {
            close()
            again()
            notify('The second factor is removed')
          }}
        >
          <p>From then on your password alone signs in. The recovery codes stop working too.</p>
        </Confirm>
      )}
      {open === 'renew' && <Renew user={me.user.name} onClose={close} onRenewed={again} />}
    </section>
  )
}

function Renew({ user, onClose, onRenewed }: { user: string; onClose: () => void; onRenewed: () => void }) {
  const renew = useChange({ mutationFn: () => own.renewRecoveryCodes(), onSuccess: onRenewed })
  return (
    <Dialog title="New recovery codes" className="dialog-small" onClose={onClose}>
      {renew.data ? (
        <RecoveryCodes codes={renew.data} user={user} onDone={onClose} />
      ) : (
        <>
          <p>The codes that you have now stop working at once.</p>
          <ChangeError error={renew.error} />
          <div className="dialog-foot">
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="button" className="button primary" disabled={renew.isPending} onClick={() => renew.mutate()}>
              Make new codes
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
