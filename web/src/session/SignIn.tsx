/**
 * Signing in: by name and password, by the identity provider, or by a one-time link.
 *
 * Opening a link only shows this page; the page posts the token. So what fetches links without running
 * scripts (previews, scanners of mail) uses none up. A session that runs stays: nobody is signed in over it.
 * Whom the identity provider vouches for and who has a second factor here comes back with a challenge.
 */
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useId, useRef, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import type { Challenge } from '../api/shapes'
import { CodeStep } from './CodeStep'
import { countdownText } from './countdown'
import { ForgottenPassword } from './ForgottenPassword'
import { PasswordField } from './PasswordField'
import { reasonOf, reasonOfAddress } from './reasons'
import { SignInFrame } from './SignInFrame'
import { forgetOpened, openedChallenge, openedToken, tokenIn } from './token'
import { useSigningIn } from './useSigningIn'

const route = getRouteApi('/sign-in')

/** As long as the server takes an answer to a challenge. */
const CHALLENGE_MS = 5 * 60_000

function begunElsewhere(): Challenge | undefined {
  const challenge = openedChallenge()
  return challenge === undefined ? undefined : { challenge, expires_at: new Date(Date.now() + CHALLENGE_MS).toISOString() }
}

const NOTICES: Record<string, string> = {
  reset: 'Your new password counts. Sign in with it.',
  joined: 'You have joined. Sign in with your password.',
}

/** Whether somebody is signed in; trouble counts as no, and then shows at signing in. */
async function isSignedIn(): Promise<boolean> {
  try {
    await own.me(AbortSignal.timeout(10_000))
    return true
  } catch {
    return false
  }
}

export function SignInPage() {
  const { error, next, notice } = route.useSearch()
  const router = useRouter()
  const [came] = useState(begunElsewhere)
  const signing = useSigningIn(next, came)
  const methods = useQuery({ queryKey: ['sign-in-methods'], queryFn: ({ signal }) => own.methods(signal), staleTime: 300_000 })
  const [linked] = useState(openedToken)
  const [isForgotten, setIsForgotten] = useState(false)
  const { setBusy, step } = signing
  const begun = useRef(false)
  useEffect(() => {
    forgetOpened()
    if (linked === undefined || begun.current) return
    begun.current = true
    setBusy(true)
    void isSignedIn().then((already) => {
      if (already) router.history.replace(next ?? '/')
      else void step(() => own.signIn({ token: linked }))
    })
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, with the address that the page was opened by
  }, [])

  if (signing.challenge) return <CodeStep challenge={signing.challenge} signing={signing} />
  if (isForgotten) return <ForgottenPassword onBack={() => setIsForgotten(false)} />

  const provider = methods.data?.identity_provider
  const hasPasswords = methods.data?.password ?? true
  const tooMany = isProblem(signing.error, 'too_many_tries')
  const failed = signing.error !== undefined ? reasonOf(signing.error) : error !== undefined ? reasonOfAddress(error) : undefined
  return (
    <SignInFrame title="Sign in">
      {tooMany ? (
        <p className="banner error" role="alert">
          Too many tries. {signing.wait > 0 ? `Wait ${countdownText(signing.wait)} before the next one.` : 'You can try again now.'}
        </p>
      ) : failed !== undefined ? (
        <p className="banner error" role="alert">
          {failed}
        </p>
      ) : notice !== undefined && NOTICES[notice] !== undefined ? (
        <p className="banner good" role="status">
          {NOTICES[notice]}
        </p>
      ) : (
        next !== undefined && <p className="banner">Sign in to go on. You come back to where you were.</p>
      )}
      {provider && (
        <a className={`button wide${hasPasswords ? '' : ' primary'}`} href={`${provider.start}${next === undefined ? '' : `${provider.start.includes('?') ? '&' : '?'}next=${encodeURIComponent(next)}`}`}>
          Sign in with {provider.name}
        </a>
      )}
      {provider && hasPasswords && (
        <div className="or" role="separator">
          <span>or</span>
        </div>
      )}
      {hasPasswords && (
        <ByPassword
          busy={signing.busy}
          wait={signing.wait}
          onForgotten={() => setIsForgotten(true)}
          onSubmit={(user, password) => signing.step(() => own.signIn({ user, password }))}
        />
      )}
      <ByLink isOpen={/^link_|^expired$|^used$|^second_factor$/.test(error ?? '') || isProblem(signing.error, 'link_expired') || isProblem(signing.error, 'link_used')} busy={signing.busy} onSubmit={(token) => void signing.step(() => own.signIn({ token }))} />
    </SignInFrame>
  )
}

function ByPassword({ busy, wait, onSubmit, onForgotten }: { busy: boolean; wait: number; onSubmit: (user: string, password: string) => Promise<boolean>; onForgotten: () => void }) {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const id = useId()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void onSubmit(user.trim(), password).then((fine) => {
          if (!fine) setPassword('')
        })
      }}
    >
      <div className="field">
        <label htmlFor={`${id}-user`}>Name</label>
        <input id={`${id}-user`} type="text" className="field-input" name="username" autoComplete="username" autoCapitalize="off" spellCheck={false} required value={user} onChange={(event) => setUser(event.target.value)} />
      </div>
      <PasswordField id={`${id}-password`} label="Password" autoComplete="current-password" value={password} onChange={setPassword} />
      <button type="submit" className="button primary wide" disabled={busy || wait > 0}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
      <button type="button" className="link-button" onClick={onForgotten}>
        Forgot your password?
      </button>
    </form>
  )
}

function ByLink({ isOpen, busy, onSubmit }: { isOpen: boolean; busy: boolean; onSubmit: (token: string) => void }) {
  const [typed, setTyped] = useState('')
  const id = useId()
  return (
    <details className="sign-in-link" open={isOpen}>
      <summary>Sign in with a one-time link</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit(tokenIn(typed))
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-token`}>Sign-in link or token</label>
          <input id={`${id}-token`} type="text" className="field-input mono" autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder={`${window.location.origin}/sign-in?token=…`} required value={typed} onChange={(event) => setTyped(event.target.value)} />
        </div>
        <button type="submit" className="button wide" disabled={busy || typed.trim() === ''}>
          Use the link
        </button>
        <p className="muted small">The server prints one when it first starts. On its machine, make a new one; it works once.</p>
        <pre className="mono command-line">whodid sign-in-link --data FOLDER</pre>
      </form>
    </details>
  )
}
