import { useQuery } from '@tanstack/react-query'
import { Link, useRouterState } from '@tanstack/react-router'
import { Activity, FileWarning, House, KeyRound, Lightbulb, Radar, ScrollText, Settings, Siren, UserRound } from 'lucide-react'
import { useEffect } from 'react'
import { useOpenAlerts } from '../alerts/queries'
import { api } from '../api/client'
import { useOpenInsights } from '../insights/queries'
import { useSigned } from '../session/me'
import { maySee, type Place } from '../session/rights'
import { compact } from '../ui/number'
import { lastActivity, rememberActivity } from './lastActivity'

const TITLES: readonly [string, string][] = [
  ['/activity', 'Activity'], ['/insights', 'Insights'], ['/alerts/silences', 'Silences'], ['/alerts', 'Alerts'], ['/rules/exceptions', 'Exceptions'], ['/rules', 'Rules'], ['/audit', 'Audit log'], ['/rejects', 'Rejects'], ['/me/activity', 'My activity'], ['/me/security', 'Security'],
  ['/settings/keys', 'Keys'], ['/settings', 'Settings'],
]

interface Item {
  place: Place
  label: string
  Icon: typeof Activity
  isHere: (path: string) => boolean
}

const ITEMS: readonly Item[] = [
  { place: '/', label: 'Home', Icon: House, isHere: (path) => path === '/' },
  { place: '/activity', label: 'Activity', Icon: Activity, isHere: (path) => path === '/activity' },
  { place: '/insights', label: 'Insights', Icon: Lightbulb, isHere: (path) => path.startsWith('/insights') },
  { place: '/alerts', label: 'Alerts', Icon: Siren, isHere: (path) => path.startsWith('/alerts') },
  { place: '/rules', label: 'Rules', Icon: Radar, isHere: (path) => path.startsWith('/rules') },
  { place: '/audit', label: 'Audit log', Icon: ScrollText, isHere: (path) => path === '/audit' },
  { place: '/rejects', label: 'Rejects', Icon: FileWarning, isHere: (path) => path === '/rejects' },
  { place: '/settings/keys', label: 'Keys', Icon: KeyRound, isHere: (path) => path === '/settings/keys' },
  { place: '/settings', label: 'Settings', Icon: Settings, isHere: (path) => path.startsWith('/settings') && path !== '/settings/keys' },
]
/** In the menu of everybody; in the rail of those who have little else. */
const MINE: Item = { place: '/me/activity', label: 'My activity', Icon: UserRound, isHere: (path) => path === '/me/activity' }

export function Rail() {
  const { rights } = useSigned()
  const rejects = useQuery({ queryKey: ['rejects', 'summary'], queryFn: ({ signal }) => api.rejectsSummary(signal), refetchInterval: 60_000, enabled: rights.may('rejects.read') })
  const open = useOpenAlerts()
  const unusual = useOpenInsights()
  const badges: Partial<Record<Place, [number, string]>> = { '/rejects': [rejects.data?.total ?? 0, 'lines could not be read'], '/insights': [unusual, unusual === 1 ? 'goes on' : 'go on'], '/alerts': [open, open === 1 ? 'is open' : 'are open'] }
  const location = useRouterState({ select: (state) => state.location })
  const path = location.pathname
  // From what was found or is unusual, Activity leads back to what sources tell.
  const isOther = 'stream' in location.search && location.search.stream !== undefined
  useEffect(() => {
    const search = location.search as Record<string, string>
    rememberActivity(location.pathname, search)
    // Tabs and the browser's history tell searches apart by it.
    const title = location.pathname === '/' ? 'Home' : search.stream === 'findings' ? 'Findings' : search.stream === 'insights' ? 'Events of insights' : TITLES.find(([prefix]) => location.pathname.startsWith(prefix))?.[1]
    document.title = [search.q, title, 'whodid'].filter(Boolean).join(' · ')
  }, [location])
  const seen = ITEMS.filter((item) => maySee(rights, item.place))
  if (!rights.may('audit.read') && !rights.may('settings.read')) seen.push(MINE)
  return (
    <nav className="rail" aria-label="Pages">
      {seen.map(({ place, label, Icon, isHere }) => {
        const here = isHere(path)
        const [total, what] = badges[place] ?? [0, '']
        return (
          <Link key={place} to={place} search={here && !isOther ? true : lastActivity(place)} className={`rail-item${here ? ' active' : ''}`} activeProps={{ className: '' }} aria-current={here ? 'page' : undefined}>
            <Icon size={19} aria-hidden />
            <span>{label}</span>
            {total > 0 && (
              <span className={`rail-badge${place === '/alerts' ? ' rail-badge-alerts' : ''}`}>
                {compact(total)}
                <span className="visually-hidden"> {what}</span>
              </span>
            )}
          </Link>
        )
      })}
    </nav>
  )
}
