/** Accepting an invitation: choosing a password, or giving the one that the person has here already. */
import { useId, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import type { LinkInfo } from '../api/shapes'
import { BadLink } from './BadLink'
import { CodeStep } from './CodeStep'
import { countdownText } from './countdown'
import { isLongEnough, NewPassword } from './NewPassword'
import { PasswordField } from './PasswordField'
import { reasonOf } from './reasons'
import { SignInFrame } from './SignInFrame'
import { useLink } from './useLink'
import { useSigningIn } from './useSigningIn'

export function InvitationPage() {
  const { token, link } = useLink('/invitation')
  if (token === undefined || link.isError) return <BadLink title="Invitation" error={link.error ?? undefined} again="Ask who invited you for a new link." />
  if (!link.data) return <SignInFrame title="Invitation" lead="Reading the link…">{null}</SignInFrame>
  return <Accept token={token} info={link.data} />
}

function Accept({ token, info }: { token: string; info: LinkInfo }) {
  const signing = useSigningIn(undefined)
  const [name, setName] = useState(info.display_name)
  const [password, setPassword] = useState('')
  const id = useId()
  if (signing.challenge) return <CodeStep challenge={signing.challenge} signing={signing} />
  const { error } = signing
  const isPasswordWrong = isProblem(error, 'weak_password') || isProblem(error, 'sign_in_failed')
  const passwordError = isProblem(error, 'weak_password') ? error.message : isProblem(error, 'sign_in_failed') ? 'This is not your password here.' : undefined
  const tooMany = isProblem(error, 'too_many_tries')
  const fits = info.has_identity ? password !== '' : isLongEnough(password, info.password_length_min)
  return (
    <SignInFrame
      title={`Join ${info.account ?? 'whodid'}`}
      lead={info.has_identity ? 'You can sign in here already. Confirm with your own password; from then on you can switch between your accounts.' : 'You are invited. Choose a password to sign in with.'}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void signing.step(() => own.accept({ token, password, ...(!info.has_identity && name.trim() !== '' ? { display_name: name.trim() } : {}) }))
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-user`}>Name to sign in with</label>
          <input id={`${id}-user`} type="text" className="field-input" name="username" autoComplete="username" readOnly value={info.user} />
        </div>
        {info.has_identity ? (
          <PasswordField id={`${id}-password`} label="Your password" autoComplete="current-password" autoFocus value={password} onChange={setPassword} error={passwordError} />
        ) : (
          <>
            <div className="field">
              <label htmlFor={`${id}-name`}>What people call you</label>
              <input id={`${id}-name`} type="text" className="field-input" name="name" autoComplete="name" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
            </div>
            <NewPassword id={`${id}-password`} label="Password" lengthMin={info.password_length_min} value={password} onChange={setPassword} error={passwordError} />
          </>
        )}
        {error !== undefined && !isPasswordWrong && (
          <p className="banner error" role="alert">
            {tooMany ? `Too many tries. ${signing.wait > 0 ? `Wait ${countdownText(signing.wait)}.` : 'You can try again now.'}` : reasonOf(error)}
          </p>
        )}
        <button type="submit" className="button primary wide" disabled={signing.busy || signing.wait > 0 || !fits}>
          {signing.busy ? 'Joining…' : 'Join'}
        </button>
      </form>
    </SignInFrame>
  )
}
