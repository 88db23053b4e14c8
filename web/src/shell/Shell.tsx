/** What stands around every page: the rail, the top bar, the palette, the help, and keys that work everywhere. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Activity, CircleHelp, FileWarning, KeyRound, LogOut, Monitor, Moon, Search, Sun, UserRound } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { zoneName } from '../activity/time'
import { useShortcuts } from '../ui/hooks'
import { Notices, notify } from '../ui/notice'
import { compact } from '../ui/number'
import { setPref, usePrefs, type Prefs } from '../ui/prefs'

const Palette = lazy(() => import('./Palette').then((module) => ({ default: module.Palette })))
const Help = lazy(() => import('./Help').then((module) => ({ default: module.Help })))

const LEADER_MS = 1500

export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | undefined>()
  const navigate = useNavigate()
  const leader = useRef(-Infinity)

  const activity = useCallback(() => void navigate({ to: '/activity', search: lastActivity() }), [navigate])
  const client = useQueryClient()
  const signOut = async (): Promise<void> => {
    try {
      await api.signOut()
    } catch (error) {
      // Without a session there is nothing to end.
      if (!(error instanceof Problem) || error.status !== 401) {
        notify(`Still signed in: ${String(error)}`)
        return
      }
    }
    client.clear()
    await navigate({ to: '/sign-in', search: {} })
  }
  /** Whether `g` was pressed just before. */
  const led = (event: KeyboardEvent): boolean => {
    const after = event.timeStamp - leader.current
    leader.current = -Infinity
    return after < LEADER_MS
  }
  useShortcuts({
    '?': () => setOpen('help'),
    g: (event) => {
      leader.current = event.timeStamp
    },
    a: (event) => {
      if (led(event)) activity()
    },
    r: (event) => {
      if (led(event)) void navigate({ to: '/rejects' })
    },
    k: (event) => {
      if (led(event)) void navigate({ to: '/keys' })
    },
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
      <TopBar onPalette={() => setOpen('palette')} onHelp={() => setOpen('help')} onSignOut={() => void signOut()} />
      <Rail />
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Notices />
      <Suspense>
        {open === 'palette' && <Palette onClose={() => setOpen(undefined)} onHelp={() => setOpen('help')} onSignOut={() => void signOut()} />}
        {open === 'help' && <Help onClose={() => setOpen(undefined)} />}
      </Suspense>
    </div>
  )
}

/** Leaving Activity and coming back finds it as it was. */
let remembered: Record<string, string> = {}
export function lastActivity(): Record<string, string> {
  return remembered
}

const TITLES: Record<string, string> = { '/activity': 'Activity', '/rejects': 'Rejects', '/keys': 'Keys' }

function Rail() {
  const rejects = useQuery({ queryKey: ['rejects', 'summary'], queryFn: ({ signal }) => api.rejectsSummary(signal), refetchInterval: 60_000 })
  const total = rejects.data?.total ?? 0
  const location = useRouterState({ select: (state) => state.location })
  useEffect(() => {
    const search = location.search as Record<string, string>
    if (location.pathname === '/activity') remembered = search
    // Tabs and the browser's history tell searches apart by it.
    document.title = [search.q, TITLES[location.pathname], 'whodid'].filter(Boolean).join(' · ')
  }, [location])
  return (
    <nav className="rail" aria-label="Pages">
      <Link to="/activity" search={location.pathname === '/activity' ? location.search : lastActivity()} activeOptions={{ includeSearch: false }} className="rail-item">
        <Activity size={19} aria-hidden />
        <span>Activity</span>
      </Link>
      <Link to="/rejects" activeOptions={{ includeSearch: false }} className="rail-item">
        <FileWarning size={19} aria-hidden />
        <span>Rejects</span>
        {total > 0 && (
          <span className="rail-badge">
            {compact(total)}
            <span className="visually-hidden"> lines could not be read</span>
          </span>
        )}
      </Link>
      <Link to="/keys" className="rail-item">
        <KeyRound size={19} aria-hidden />
        <span>Keys</span>
      </Link>
    </nav>
  )
}

const THEMES: readonly { value: Prefs['theme']; label: string; Icon: typeof Sun }[] = [
  { value: 'system', label: 'System', Icon: Monitor },
  { value: 'light', label: 'Light', Icon: Sun },
  { value: 'dark', label: 'Dark', Icon: Moon },
]

function TopBar({ onPalette, onHelp, onSignOut }: { onPalette: () => void; onHelp: () => void; onSignOut: () => void }) {
  const prefs = usePrefs()
  const me = useQuery({ queryKey: ['me'], queryFn: ({ signal }) => api.me(signal), staleTime: 300_000 })
  const theme = THEMES.find((candidate) => candidate.value === prefs.theme) ?? THEMES[0]
  return (
    <header className="topbar">
      <Link to="/activity" className="brand" aria-label="whodid, to Activity">
        <img src="/favicon.svg" alt="" width={22} height={22} />
        <span>whodid</span>
      </Link>
      {me.data && (
        <span className="account" title="Account">
          {me.data.account}
        </span>
      )}
      <button type="button" className="palette-button" onClick={onPalette}>
        <Search size={14} aria-hidden />
        <span>Go to or do…</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="topbar-end">
        <button
          type="button"
          className="button quiet zone-button"
          onClick={() => setPref('zone', prefs.zone === 'utc' ? 'local' : 'utc')}
          aria-label={`Times are in ${zoneName(prefs.zone)}. Switch to ${prefs.zone === 'utc' ? 'local time' : 'UTC'}`}
        >
          {zoneName(prefs.zone)}
        </button>
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger className="icon-button" aria-label={`Theme: ${theme?.label ?? ''}`}>
            {theme && <theme.Icon size={16} aria-hidden />}
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
              <DropdownMenu.RadioGroup value={prefs.theme} onValueChange={(value) => setPref('theme', value as Prefs['theme'])}>
                {THEMES.map(({ value, label, Icon }) => (
                  <DropdownMenu.RadioItem key={value} value={value} className="menu-item">
                    <Icon size={14} aria-hidden /> {label}
                  </DropdownMenu.RadioItem>
                ))}
              </DropdownMenu.RadioGroup>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
        <button type="button" className="icon-button hide-phone" aria-label="Keyboard shortcuts" onClick={onHelp}>
          <CircleHelp size={16} aria-hidden />
        </button>
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger className="icon-button" aria-label="Your account">
            <UserRound size={16} aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
              <DropdownMenu.Label className="menu-label">
                <strong>{me.data?.user.name ?? '…'}</strong>
                <span>
                  {me.data?.user.role} · account {me.data?.account}
                </span>
                <span>whodid {me.data?.version}</span>
              </DropdownMenu.Label>
              <DropdownMenu.Separator className="menu-separator" />
              <DropdownMenu.Item className="menu-item" onSelect={onSignOut}>
                <LogOut size={14} aria-hidden /> Sign out
              </DropdownMenu.Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      </div>
    </header>
  )
}
