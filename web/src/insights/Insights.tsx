/** Insights: what departs from what is usual, what of it is expected, and how it is made. */
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useSigned } from '../session/me'
import type { Rights } from '../session/rights'
import { compact } from '../ui/number'
import { useExpected, useOpenInsights } from './queries'

const TABS = [
  { to: '/insights', label: 'Insights', isSeen: (rights: Rights) => rights.seesAllEvents },
  { to: '/insights/expected', label: 'Expected', isSeen: (rights: Rights) => rights.may('rules.read') },
  { to: '/insights/settings', label: 'Settings', isSeen: (rights: Rights) => rights.seesAllEvents },
] as const

export function InsightsLayout() {
  const { rights } = useSigned()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const open = useOpenInsights()
  const expected = useExpected().data?.length ?? 0
  const seen = TABS.filter((tab) => tab.isSeen(rights))
  if (seen.length === 0) return <Outlet />
  const here = TABS.find((tab) => tab.to === path) ?? TABS[0]
  const isReading = here === TABS[0] && path !== TABS[0].to
  return (
    <div className={`settings insights-pages${isReading ? ' is-reading' : ''}`}>
      <nav className="settings-tabs" aria-label="Insights">
        {seen.map((tab) => {
          const count = tab.to === '/insights' ? open : tab.to === '/insights/expected' ? expected : 0
          return (
            <Link key={tab.to} to={tab.to} search={tab.to === '/insights' && here === tab ? true : {}} className={`settings-tab${tab === here ? ' active' : ''}`} activeProps={{ className: '' }} activeOptions={{ exact: true }} aria-current={tab === here ? 'page' : undefined}>
              {tab.label}
              {count > 0 && <span className="tab-count">{compact(count)}</span>}
            </Link>
          )
        })}
      </nav>
      <Outlet />
    </div>
  )
}
