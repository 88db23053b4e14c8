/** Rules: what is looked for, the packages it comes in, and what is not to be told. */
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useSigned } from '../session/me'

const TABS = [
  { to: '/rules', label: 'Rules', isHere: (path: string) => path === '/rules' || path === '/rules/new' || path.startsWith('/rules/rule/') },
  { to: '/rules/packages', label: 'Packages', isHere: (path: string) => path === '/rules/packages' || path.startsWith('/rules/packages/') },
  { to: '/rules/exceptions', label: 'Exceptions', isHere: (path: string) => path === '/rules/exceptions' },
] as const

export function RulesLayout() {
  const { rights } = useSigned()
  const path = useRouterState({ select: (state) => state.location.pathname })
  // Each tab says itself what it needs.
  if (!rights.may('rules.read')) return <Outlet />
  return (
    <div className="settings">
      <nav className="settings-tabs" aria-label="Rules">
        {TABS.map(({ to, label, isHere }) => {
          const here = isHere(path.replace(/(.)\/$/, '$1'))
          return (
            <Link key={to} to={to} search={{}} className={`settings-tab${here ? ' active' : ''}`} activeProps={{ className: '' }} aria-current={here ? 'page' : undefined}>
              {label}
            </Link>
          )
        })}
      </nav>
      <Outlet />
    </div>
  )
}
