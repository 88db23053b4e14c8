/** What an administrator can do about a user. */
import { useState } from 'react'
import { admin } from '../api/admin'
import type { UserEntry } from '../api/shapes'
import { endedText } from '../me/SessionCards'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { Once } from '../ui/Once'
import { Ago } from '../ui/When'
import { useRightsAgain } from './GiveRole'

type Asked = 'reset' | 'mfa' | 'sessions' | 'disable' | 'remove'

export function UserDeeds({ user, onGone }: { user: UserEntry; onGone: () => void }) {
  const { rights, me } = useSigned()
  const again = useRightsAgain()
  const [asked, setAsked] = useState<Asked | undefined>()
  const close = (): void => setAsked(undefined)
  const done = (text: string) => (): void => {
    again()
    close()
    notify(text)
  }
  const unlock = useChange({ mutationFn: () => admin.unlockUser(user.id), onSuccess: done(`${user.name} may try again`) })
  const enable = useChange({ mutationFn: () => admin.updateUser(user.id, { disabled: false }), onSuccess: done(`${user.name} may sign in again`) })
  const manages = rights.may('users.manage')
  const isSelf = me.user.id === user.id
  // What is about the person everywhere is up to the account that they belong to.
  const home = manages && user.is_home
  const isProvided = user.source === 'oidc'
  return (
    <section>
      <h3>Actions</h3>
      <ChangeError error={unlock.error ?? enable.error} />
      <div className="deeds">
        {home && user.locked_until !== null && (
          <button type="button" className="button" disabled={unlock.isPending} onClick={() => unlock.mutate()}>
            Unlock
          </button>
        )}
        {home && !isProvided && (
          <button type="button" className={`button${user.reset_requested_at === null ? '' : ' primary'}`} onClick={() => setAsked('reset')}>
            Make a password link
          </button>
        )}
        {rights.may('sessions.manage') && user.sessions > 0 && (
          <button type="button" className="button" onClick={() => setAsked('sessions')}>
            End sessions
          </button>
        )}
        {home && user.has_mfa && (
          <button type="button" className="button" onClick={() => setAsked('mfa')}>
            Remove second factor
          </button>
        )}
        {home && !isSelf && user.disabled_at !== null && (
          <button type="button" className="button" disabled={enable.isPending} onClick={() => enable.mutate()}>
            Enable
          </button>
        )}
        {home && !isSelf && user.disabled_at === null && (
          <button type="button" className="button danger" onClick={() => setAsked('disable')}>
            Disable
          </button>
        )}
        {manages && !isSelf && (
          <button type="button" className="button danger" onClick={() => setAsked('remove')}>
            Remove
          </button>
        )}
      </div>
      {manages && !user.is_home && (
        <p className="muted small">
          {user.name} belongs to another account. Its administrators look after {isProvided ? '' : 'the password, '}locks, the second factor and disabling; here you decide on roles, groups and membership.
        </p>
      )}
      {manages && isProvided && <p className="muted small">The password is the identity provider’s, and is changed there.</p>}
      {asked === 'reset' && <ResetLink user={user} onMade={again} onClose={close} />}
      {asked === 'mfa' && (
        <Confirm title={`Remove the second factor of ${user.name}?`} action="Remove" change={() => admin.removeUserTotp(user.id)} onClose={close} onDone={done(`The second factor of ${user.name} is removed`)}>
          <p>For when their phone and recovery codes are lost. Make sure that it is really them who ask: from then on the password alone signs in.</p>
        </Confirm>
      )}
      {asked === 'sessions' && (
        <Confirm title={`End all sessions of ${user.name}?`} action="End them" change={() => admin.endUserSessions(user.id)} onClose={close} onDone={(count) => done(endedText(count))()}>
          <p>{user.name} must sign in again on every device.</p>
        </Confirm>
      )}
      {asked === 'disable' && (
        <Confirm title={`Disable ${user.name}?`} action="Disable" change={() => admin.updateUser(user.id, { disabled: true })} onClose={close} onDone={done(`${user.name} is disabled`)}>
          <p>All sessions end and all tokens stop within a second. Roles and groups stay, so that enabling brings everything back.</p>
        </Confirm>
      )}
      {asked === 'remove' && (
        <Confirm
          title={`Remove ${user.name}?`}
          action="Remove"
          change={() => admin.removeUser(user.id)}
          onClose={close}
          onDone={() => {
            done(`${user.name} is removed`)()
            onGone()
          }}
        >
          <p>{user.name} leaves this account with all roles and groups. What they did stays on record. To come back they must be invited again.</p>
        </Confirm>
      )}
    </section>
  )
}

function ResetLink({ user, onMade, onClose }: { user: UserEntry; onMade: () => void; onClose: () => void }) {
  const make = useChange({ mutationFn: () => admin.resetLink(user.id), onSuccess: onMade })
  return (
    <Dialog title={`Password link for ${user.name}`} onClose={onClose}>
      {make.data ? (
        <>
          <p className="banner">Copy it now: it is not shown again.</p>
          <Once text={make.data.link} what="Link" testId="new-link" />
          <p className="muted">
            Hand it to {user.name} yourself, in a way that only they read. It works once and ends <Ago iso={make.data.expires_at} />.
          </p>
          <div className="dialog-foot">
            <button type="button" className="button" onClick={onClose}>
              Done
            </button>
          </div>
        </>
      ) : (
        <>
          <p>The link lets whoever opens it choose a new password for {user.name}. It works once, for 24 hours. Using it ends all their sessions; the second factor stays.</p>
          <ChangeError error={make.error} />
          <div className="dialog-foot">
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="button" className="button primary" disabled={make.isPending} onClick={() => make.mutate()}>
              Make the link
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
