/** Signing in by the one-time link that the server prints, or by pasting it. */
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'

const route = getRouteApi('/sign-in')

const REASONS: Record<string, string> = {
  expired: 'This link has expired. Links hold for a short time only; make a new one below.',
  used: 'This link was used already. Each link signs in once; make a new one below.',
  invalid: 'This is not a link of this server, or part of it is missing.',
}

/** The server's code in one of our words; its own words otherwise. */
function reason(code: string, detail?: string): string {
  const known = Object.keys(REASONS).find((name) => code.includes(name))
  return (known && REASONS[known]) ?? detail ?? REASONS.invalid ?? ''
}

/** A whole link or the token alone. */
export function tokenIn(text: string): string {
  const found = /[?&]token=([^&#\s]+)/.exec(text)
  return found?.[1] ? decodeURIComponent(found[1]) : text.trim()
}

export function SignInPage() {
  const { error, next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState<string | undefined>(error ? reason(error) : undefined)
  const submit = async (): Promise<void> => {
    setBusy(true)
    try {
      await api.signIn(tokenIn(typed))
      client.clear()
      router.history.push(next ?? '/activity')
    } catch (cause) {
      setFailed(cause instanceof Problem ? (cause.status === 0 ? `${cause.title}. ${cause.message}` : reason(cause.code, cause.message)) : String(cause))
      setBusy(false)
    }
  }
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
            void submit()
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
