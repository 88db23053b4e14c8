/** The second step: six digits of the app, or a recovery code when the app is lost. */
import { useId, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import type { Challenge } from '../api/shapes'
import { CODE_DIGITS, CodeField } from './CodeField'
import { countdownText } from './countdown'
import { reasonOf } from './reasons'
import { SignInFrame } from './SignInFrame'
import type { SigningIn } from './useSigningIn'

export function CodeStep({ challenge, signing }: { challenge: Challenge; signing: SigningIn }) {
  const [code, setCode] = useState('')
  const [isRecovery, setIsRecovery] = useState(false)
  const [isLate, setIsLate] = useState(false)
  const id = useId()
  const submit = async (given: string): Promise<void> => {
    if (signing.busy || signing.wait > 0) return
    setIsLate(Date.now() > Date.parse(challenge.expires_at))
    if (!(await signing.step(() => own.signIn({ challenge: challenge.challenge, code: given })))) setCode('')
  }
  const tooMany = isProblem(signing.error, 'too_many_tries')
  const wrong = signing.error !== undefined && !tooMany ? (isLate ? 'The second step took too long. Start over.' : isRecovery && isProblem(signing.error, 'code_wrong') ? 'This recovery code is wrong, or it was used already.' : reasonOf(signing.error)) : undefined
  return (
    <SignInFrame title="Second step" lead={isRecovery ? 'Each recovery code works once.' : 'Open your authenticator app and type the code it shows for whodid.'}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit(code.trim())
        }}
      >
        {isRecovery ? (
          <div className="field">
            <label htmlFor={`${id}-recovery`}>Recovery code</label>
            <input id={`${id}-recovery`} type="text" className="field-input mono" autoComplete="off" autoCapitalize="off" spellCheck={false} autoFocus value={code} onChange={(event) => setCode(event.target.value)} aria-invalid={wrong !== undefined} aria-describedby={wrong === undefined ? undefined : `${id}-wrong`} />
            {wrong !== undefined && (
              <p id={`${id}-wrong`} className="field-error" role="alert">
                {wrong}
              </p>
            )}
          </div>
        ) : (
          <CodeField id={`${id}-code`} label="Code" value={code} onChange={setCode} onWhole={(whole) => void submit(whole)} error={wrong} autoFocus />
        )}
        {tooMany && (
          <p className="banner error" role="alert">
            Too many tries. {signing.wait > 0 ? `Wait ${countdownText(signing.wait)}.` : 'You can try again now.'}
          </p>
        )}
        <button type="submit" className="button primary wide" disabled={signing.busy || signing.wait > 0 || code.trim().length < CODE_DIGITS}>
          {signing.busy ? 'Checking…' : 'Go on'}
        </button>
      </form>
      <div className="sign-in-ways">
        <button
          type="button"
          className="link-button"
          onClick={() => {
            setCode('')
            setIsRecovery(!isRecovery)
          }}
        >
          {isRecovery ? 'Use the authenticator app' : 'Use a recovery code'}
        </button>
        <button type="button" className="link-button" onClick={signing.startOver}>
          Start over
        </button>
      </div>
    </SignInFrame>
  )
}
