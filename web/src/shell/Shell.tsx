/** What stands around every page: the rail, the top bar, the palette, the help, and keys that work everywhere. */
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { own } from '../api/own'
import { Problem } from '../api/problem'
import { SignedContext, useMeQuery, useSignedOf, type Signed } from '../session/me'
import { Reauthenticate } from '../session/Reauthenticate'
import { maySee, type Place } from '../session/rights'
import { useDelayed, useShortcuts } from '../ui/hooks'
import { Notices, notify } from '../ui/notice'
import { Trouble } from '../ui/Trouble'
import { LeaveQuestion } from '../ui/Unsaved'
import { hasUnsaved } from '../ui/unsavedPages'
import { lastActivity } from './lastActivity'
import { Rail } from './Rail'
import { TopBar } from './TopBar'

const Palette = lazy(() => import('./Palette').then((module) => ({ default: module.Palette })))
const Help = lazy(() => import('./Help').then((module) => ({ default: module.Help })))
const NeedsPage = lazy(() => import('../session/NeedsPage').then((module) => ({ default: module.NeedsPage })))

export function Shell() {
  const query = useMeQuery()
  const client = useQueryClient()
  const navigate = useNavigate()
  const signed = useSignedOf(query.data)
  const waiting = useDelayed(query.isPending, 400)
  const [isAsked, setIsAsked] = useState(false)
  const signOut = useCallback(async (isSure = false): Promise<void> => {
    if (hasUnsaved() && !isSure) {
      setIsAsked(true)
      return
    }
    try {
      await own.signOut()
    } catch (error) {
      // Without a session there is nothing to end.
      if (!(error instanceof Problem) || error.status !== 401) {
        notify(`Still signed in: ${String(error)}`)
        return
      }
    }
    client.clear()
    await navigate({ to: '/sign-in', search: { account: undefined }, ignoreBlocker: true })
  }, [client, navigate])
  if (!signed) {
    // Without a session the way leads to signing in; nothing need be told here.
    if (query.error instanceof Problem && query.error.status !== 401) {
      return (
        <main className="page-alone">
          <Trouble error={query.error} onRetry={() => void query.refetch()} />
        </main>
      )
    }
    return waiting ? <main className="page-alone" aria-busy="true" aria-label="Loading" /> : null
  }
  // A first password can wait: who came by a one-time link is asked for it on the page, not before it.
  const need = signed.me.needs.find((one) => one !== 'set_password')
  if (need !== undefined) {
    return (
      <Suspense>
        <NeedsPage key={need} me={signed.me} need={need} onSignOut={() => void signOut()} onDone={() => void client.invalidateQueries()} />
      </Suspense>
    )
  }
  return (
    <SignedContext value={signed}>
      <Frame signed={signed} onSignOut={() => void signOut()} />
      {isAsked && (
        <LeaveQuestion
          title="Sign out without saving?"
          what="Changes on this page"
          action="Sign out without saving"
          onStay={() => setIsAsked(false)}
          onLeave={() => {
            setIsAsked(false)
            void signOut(true)
          }}
        />
      )}
    </SignedContext>
  )
}

/** After `g`. */
const KEYS: readonly [string, Place][] = [['h', '/'], ['a', '/activity'], ['i', '/insights'], ['t', '/alerts'], ['l', '/rules'], ['u', '/audit'], ['r', '/rejects'], ['k', '/settings/keys'], ['s', '/settings'], ['m', '/me/activity']]

function Frame({ signed, onSignOut }: { signed: Signed; onSignOut: () => void }) {
  const [open, setOpen] = useState<'palette' | 'help' | undefined>()
  const navigate = useNavigate()
  const { rights } = signed
  useShortcuts({
    '?': () => setOpen('help'),
    ...Object.fromEntries(
      KEYS.map(([key, place]) => [
        `g ${key}`,
        (event: KeyboardEvent) => {
          if (!maySee(rights, place)) return
          event.preventDefault()
          void navigate({ to: place, search: lastActivity(place) })
        },
      ]),
    ),
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setOpen((now) => (now === 'palette' ? undefined : 'palette'))
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])

  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <TopBar onPalette={() => setOpen('palette')} onHelp={() => setOpen('help')} onSignOut={onSignOut} />
      <Rail />
      {/* Another account is another page: nothing of the first may stay on the screen. */}
      <main id="main" className="main" tabIndex={-1} key={signed.account}>
        <Outlet />
      </main>
      <Notices />
      <Reauthenticate />
      <Suspense>
        {open === 'palette' && <Palette onClose={() => setOpen(undefined)} onHelp={() => setOpen('help')} onSignOut={onSignOut} />}
        {open === 'help' && <Help onClose={() => setOpen(undefined)} />}
      </Suspense>
    </div>
  )
}
