/**
 * Signing in by the one-time link that the server prints, or by pasting it.
 *
 * Opening the link only shows this page; the page posts the token. So what fetches links without running
 * scripts (previews, scanners of mail) uses none up. A session that runs stays: nobody is signed in over it.
 */
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { opened } from '../opened'

const route = getRouteApi('/sign-in')

const REASONS: Record<string, string> = {
  expired:
    'This link has expired or is not one of this server. Check that it was copied whole, or make a new one as shown below.',
  used: 'This link was used already. Each link signs in once; make a new one below.',
  invalid: 'This is not a link of this server, or part of it is missing.',
}

/** The server's code in one of our words; its own words otherwise. */
function reason(code: string, detail?: string): string {
  const known = Object.keys(REASONS).find((name) => code.includes(name))
  return (known && REASONS[known]) ?? detail ?? REASONS.invalid ?? ''
}

/** The token of a link: in the query, where programs send it too, or after `#`, which never leaves the browser. */
export function tokenOf(link: string): string | undefined {
  const found = /[?&#]token=([^&#\s]+)/.exec(link)
  return found?.[1] ? decodeURIComponent(found[1]) : undefined
}

/** A whole link or the token alone. */
export function tokenIn(text: string): string {
  return tokenOf(text) ?? text.trim()
}

/** Whether somebody is signed in; trouble counts as no, and then shows at signing in. */
async function isSignedIn(): Promise<boolean> {
  try {
    await api.me(AbortSignal.timeout(10_000))
    return true
  } catch {
    return false
  }
}

export function SignInPage() {
  const { error, next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const [typed, setTyped] = useState('')
  const [linked] = useState(() => tokenOf(opened.address))
  const [busy, setBusy] = useState(linked !== undefined)
  const [failed, setFailed] = useState<string | undefined>(error ? reason(error) : undefined)
  useEffect(() => {
    document.title = 'Sign in · whodid'
  }, [])
  const submit = async (token: string): Promise<void> => {
    setBusy(true)
    try {
      await api.signIn(token)
      client.clear()
      router.history.replace(next ?? '/activity')
    } catch (cause) {
      setFailed(cause instanceof Problem ? (cause.status === 0 ? `${cause.title}. ${cause.message}` : reason(cause.code, cause.message)) : String(cause))
      setBusy(false)
    }
  }
  const begun = useRef(false)
  useEffect(() => {
    if (linked === undefined || begun.current) return
    begun.current = true
    // Once: whoever comes to this page again, such as after signing out, has not followed the link again.
    opened.address = ''
    // The token must stay neither in the address nor in the history.
    router.history.replace(next === undefined ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`)
    void isSignedIn().then((already) => (already ? router.history.replace(next ?? '/activity') : submit(linked)))
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, with the address that the page was opened by
  }, [])
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <div className="sign-in-brand">
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <h1>whodid</h1>
        </div>
        <p className="lead">who did what, to what, when, from where, and is that normal?</p>
        {failed !== undefined && (
          <p className="banner error" role="alert">
            {failed}
          </p>
        )}
        {next !== undefined && failed === undefined && <p className="banner">Sign in to go on. You come back to where you were.</p>}
        <p>
          Open the one-time link that <code>whodid</code> printed when it started, or paste it here.
        </p>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void submit(tokenIn(typed))
          }}
        >
          <label htmlFor="token">Sign-in link or token</label>
          <input
            id="token"
            className="mono"
            autoComplete="one-time-code"
            spellCheck={false}
            autoCapitalize="off"
            placeholder={`${window.location.origin}/sign-in?token=…`}
            required
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            aria-invalid={failed !== undefined}
          />
          <button type="submit" className="button primary wide" disabled={busy || typed.trim() === ''}>
            {busy ? 'Signing in…' : 'Sign in'}
          </button>
        </form>
        <details>
          <summary>No link at hand?</summary>
          <p>On the machine where whodid runs, make a new one. It holds for one sign-in.</p>
          <pre className="mono command-line">whodid sign-in-link --data FOLDER</pre>
        </details>
      </div>
    </main>
  )
}
