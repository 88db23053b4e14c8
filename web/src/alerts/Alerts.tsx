/** Alerts: where findings wait for people, which searches make them, and for whom nothing is told. */
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useSigned } from '../session/me'
import { compact } from '../ui/number'
import { useAlertCounts } from './queries'

const TABS = [
  { status: undefined, label: 'Open', count: 'open' },
  { status: 'acknowledged', label: 'Acknowledged', count: 'acknowledged' },
  { status: 'resolved', label: 'Resolved', count: 'resolved' },
  { status: 'all', label: 'All', count: undefined },
] as const

/** What says when there are alerts, and when nobody is told of them. */
const BESIDE = [
  { to: '/alerts/searches', label: 'Searches' },
  { to: '/alerts/silences', label: 'Silences' },
] as const

export function AlertsLayout() {
  const { rights } = useSigned()
  const { pathname, search } = useRouterState({ select: (state) => state.location })
  const counts = useAlertCounts()
  // They widen the tabs.
  const hasCounts = counts !== undefined
  const nav = useRef<HTMLElement>(null)
  const status = (search as { status?: string }).status
  useEffect(() => {
    // On a narrow screen the tabs scroll; the chosen one is never out of sight.
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' })
  }, [pathname, status, hasCounts])
  if (!rights.may('alerts.read')) return <Outlet />
  const beside = BESIDE.find((tab) => pathname.startsWith(tab.to))
  const isReading = /^\/alerts\/./.test(pathname) && beside === undefined
  return (
    <div className={`settings alerts${isReading ? ' is-reading' : ''}`}>
      <nav className="settings-tabs" aria-label="Alerts" ref={nav}>
        {TABS.map((tab) => {
          const here = beside === undefined && status === tab.status
          const count = counts && (tab.count === undefined ? counts.open + counts.acknowledged + counts.resolved : counts[tab.count])
          return (
            <Link
              key={tab.label}
              to="/alerts"
              // The other filters stay: they are about whose and which, not about where it stands.
              search={(now) => ({ ...now, status: tab.status, view: undefined, open: undefined })}
              className={`settings-tab${here ? ' active' : ''}`}
              activeProps={{ className: '' }}
              // Else the first tab, which has no status, would say that it is the current one beside each other.
              activeOptions={{ exact: true, explicitUndefined: true }}
              aria-current={here ? 'page' : undefined}
            >
              {tab.label}
              {count !== undefined && count > 0 && <span className="tab-count">{compact(count)}</span>}
            </Link>
          )
        })}
        {BESIDE.map((tab) => (
          <Link key={tab.to} to={tab.to} search={{}} className={`settings-tab${tab === BESIDE[0] ? ' alerts-searches-tab' : ''}${tab === beside ? ' active' : ''}`} activeProps={{ className: '' }} aria-current={tab === beside ? 'page' : undefined}>
            {tab.label}
          </Link>
        ))}
      </nav>
      <Outlet />
    </div>
  )
}
