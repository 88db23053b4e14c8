/** Settings: tabs for people, rights, keys, sessions and the account itself. */
import { Link, Navigate, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Refused } from '../session/Gate'
import { useSigned } from '../session/me'
import { SEES_SETTINGS } from '../session/rights'
import { TABS } from './tabs'

export function SettingsLayout() {
  const { rights } = useSigned()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const nav = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a narrow screen the tabs scroll; the chosen one is never out of sight.
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' })
  }, [path])
  const seen = TABS.filter((tab) => tab.isSeen(rights))
  return (
    // Each tab says itself what it needs, so that whoever opens one is told of just that.
    <div className={seen.length > 0 ? 'settings' : undefined}>
      {seen.length > 0 && (
        <nav className="settings-tabs" aria-label="Settings" ref={nav}>
          {seen.map((tab) => {
            const here = path === tab.to || (tab.to === '/settings/users' && path === '/settings/access-review')
            return (
              <Link key={tab.to} to={tab.to} search={{}} className={`settings-tab${here ? ' active' : ''}`} activeProps={{ className: '' }} aria-current={here ? 'page' : undefined}>
                {tab.label}
              </Link>
            )
          })}
        </nav>
      )}
      <Outlet />
    </div>
  )
}

/** The first tab that the person may see. */
export function SettingsHome() {
  const { rights } = useSigned()
  const first = TABS.find((tab) => tab.isSeen(rights))
  return first ? <Navigate to={first.to} replace /> : <Refused need={SEES_SETTINGS} />
}
