import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect, retainSearchParams } from '@tanstack/react-router'
import { parseActivitySearch, parseAddress, printAddress } from './activity/search'
import { parseInsightSearch } from './insights/search'
import { NotFound } from './pages/NotFound'
import { Trouble } from './ui/Trouble'

type Search = Record<string, unknown>

/** Takes only texts that are not empty, by these names. */
function texts<Name extends string>(...names: Name[]): (search: Search) => Partial<Record<Name, string>> {
  return (search) => Object.fromEntries(names.flatMap((name) => (typeof search[name] === 'string' && search[name] !== '' ? [[name, search[name]]] : []))) as Partial<Record<Name, string>>
}

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => (
    <main className="page-alone">
      <Trouble error={error} onRetry={() => window.location.reload()} />
    </main>
  ),
  // Which account a page is about goes with every step inside the site.
  validateSearch: texts('account'),
  search: { middlewares: [retainSearchParams(['account'])] },
})

// Every page is loaded when it is gone to; its shell comes beside it, so that signing in waits for neither.
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: lazyRouteComponent(() => import('./shell/Shell'), 'Shell') })
const home = createRoute({ getParentRoute: () => shell, path: '/', component: lazyRouteComponent(() => import('./shell/Landing'), 'Landing') })
const activity = createRoute({ getParentRoute: () => shell, path: '/activity', component: lazyRouteComponent(() => import('./activity/ActivityPage'), 'ActivityPage'), validateSearch: parseActivitySearch })

const insights = createRoute({ getParentRoute: () => shell, path: '/insights', component: lazyRouteComponent(() => import('./insights/Insights'), 'InsightsLayout'), validateSearch: texts('view', 'open') })
const watch = createRoute({ getParentRoute: () => insights, id: 'watch', component: lazyRouteComponent(() => import('./insights/Watch'), 'WatchPage'), validateSearch: parseInsightSearch })
const watchPages = [
  createRoute({ getParentRoute: () => watch, path: '/' }),
  createRoute({ getParentRoute: () => watch, path: '$id', component: lazyRouteComponent(() => import('./insights/InsightPage'), 'InsightPage') }),
] as const
const expected = createRoute({ getParentRoute: () => insights, path: 'expected', component: lazyRouteComponent(() => import('./insights/Expected'), 'ExpectedTab') })
const insightSettings = createRoute({ getParentRoute: () => insights, path: 'settings', component: lazyRouteComponent(() => import('./insights/InsightSettings'), 'InsightSettingsTab') })

const alerts = createRoute({ getParentRoute: () => shell, path: '/alerts', component: lazyRouteComponent(() => import('./alerts/Alerts'), 'AlertsLayout'), validateSearch: texts('view', 'open') })
const inbox = createRoute({ getParentRoute: () => alerts, id: 'inbox', component: lazyRouteComponent(() => import('./alerts/Inbox'), 'InboxPage'), validateSearch: texts('status', 'severity', 'assignee', 'rule') })
const inboxPages = [
  createRoute({ getParentRoute: () => inbox, path: '/', component: lazyRouteComponent(() => import('./alerts/NoneOpen'), 'NoneOpen') }),
  createRoute({ getParentRoute: () => inbox, path: '$id', component: lazyRouteComponent(() => import('./alerts/AlertPage'), 'AlertPage') }),
] as const
const searches = createRoute({ getParentRoute: () => alerts, path: 'searches', component: lazyRouteComponent(() => import('./searches/Searches'), 'SearchesTab') })
const silences = createRoute({ getParentRoute: () => alerts, path: 'silences', component: lazyRouteComponent(() => import('./alerts/Silences'), 'SilencesTab') })

const rules = createRoute({ getParentRoute: () => shell, path: '/rules', component: lazyRouteComponent(() => import('./rules/Rules'), 'RulesLayout'), validateSearch: texts('view', 'open') })
const rulesTabs = [
  createRoute({ getParentRoute: () => rules, path: '/', component: lazyRouteComponent(() => import('./rules/RulesTab'), 'RulesTab'), validateSearch: texts('find', 'package', 'level', 'state', 'sort') }),
  createRoute({ getParentRoute: () => rules, path: 'packages', component: lazyRouteComponent(() => import('./rules/Packages'), 'PackagesTab') }),
  createRoute({ getParentRoute: () => rules, path: 'packages/new', component: lazyRouteComponent(() => import('./rules/PackageEditor'), 'NewPackagePage') }),
  createRoute({ getParentRoute: () => rules, path: 'packages/edit/$id', component: lazyRouteComponent(() => import('./rules/PackageEditor'), 'EditPackagePage') }),
  createRoute({ getParentRoute: () => rules, path: 'exceptions', component: lazyRouteComponent(() => import('./rules/Exceptions'), 'ExceptionsTab'), validateSearch: texts('rule') }),
  createRoute({ getParentRoute: () => rules, path: 'new', component: lazyRouteComponent(() => import('./rules/NewRule'), 'NewRulePage'), validateSearch: texts('copy', 'action') }),
  createRoute({ getParentRoute: () => rules, path: 'rule/$id', component: lazyRouteComponent(() => import('./rules/RulePage'), 'RulePage'), validateSearch: texts('part') }),
] as const

const audit = createRoute({ getParentRoute: () => shell, path: '/audit', component: lazyRouteComponent(() => import('./audit/AuditPage'), 'AuditPage'), validateSearch: parseActivitySearch })
const rejects = createRoute({ getParentRoute: () => shell, path: '/rejects', component: lazyRouteComponent(() => import('./pages/Rejects'), 'RejectsPage'), validateSearch: texts('code') })

const keysBefore = createRoute({
  getParentRoute: () => shell,
  path: '/keys',
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw redirect({ to: '/settings/keys', search: true, replace: true })
  },
})

const ownActivity = createRoute({ getParentRoute: () => shell, path: '/me/activity', component: lazyRouteComponent(() => import('./me/MyActivity'), 'MyActivityPage'), validateSearch: texts('q', 'from', 'to', 'open') })
const security = createRoute({ getParentRoute: () => shell, path: '/me/security', component: lazyRouteComponent(() => import('./me/Security'), 'SecurityPage') })

const settings = createRoute({ getParentRoute: () => shell, path: '/settings', component: lazyRouteComponent(() => import('./settings/Settings'), 'SettingsLayout'), validateSearch: texts('view', 'open') })
const settingsHome = createRoute({ getParentRoute: () => settings, path: '/', component: lazyRouteComponent(() => import('./settings/Settings'), 'SettingsHome') })
const settingsTabs = [
  createRoute({ getParentRoute: () => settings, path: 'users', component: lazyRouteComponent(() => import('./settings/Users'), 'UsersTab') }),
  createRoute({ getParentRoute: () => settings, path: 'invitations', component: lazyRouteComponent(() => import('./settings/Invitations'), 'InvitationsTab') }),
  createRoute({ getParentRoute: () => settings, path: 'groups', component: lazyRouteComponent(() => import('./settings/Groups'), 'GroupsTab') }),
  createRoute({ getParentRoute: () => settings, path: 'roles', component: lazyRouteComponent(() => import('./settings/Roles'), 'RolesTab') }),
  createRoute({ getParentRoute: () => settings, path: 'bindings', component: lazyRouteComponent(() => import('./settings/Bindings'), 'BindingsTab') }),
  createRoute({ getParentRoute: () => settings, path: 'access-review', component: lazyRouteComponent(() => import('./settings/AccessReview'), 'AccessReviewPage') }),
  createRoute({ getParentRoute: () => settings, path: 'keys', component: lazyRouteComponent(() => import('./settings/Keys'), 'KeysTab') }),
  createRoute({ getParentRoute: () => settings, path: 'sessions', component: lazyRouteComponent(() => import('./settings/Sessions'), 'SessionsTab') }),
  createRoute({ getParentRoute: () => settings, path: 'notifications', component: lazyRouteComponent(() => import('./channels/Notifications'), 'NotificationsTab') }),
  createRoute({ getParentRoute: () => settings, path: 'stored-events', component: lazyRouteComponent(() => import('./keeping/StoredEvents'), 'StoredEventsTab'), validateSearch: texts('from', 'to', 'hour', 'of', 'space') }),
  createRoute({ getParentRoute: () => settings, path: 'account', component: lazyRouteComponent(() => import('./settings/AccountSettings'), 'AccountTab') }),
  createRoute({ getParentRoute: () => settings, path: 'accounts', component: lazyRouteComponent(() => import('./settings/Accounts'), 'AccountsTab') }),
] as const

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./session/SignIn'), 'SignInPage'),
  validateSearch: (search: Search): { error?: string; next?: string; notice?: string } => {
    const { next, ...rest } = texts('error', 'next', 'notice')(search)
    // Only places of this site: a link must not lead elsewhere after signing in.
    return { ...rest, ...(next !== undefined && /^\/[^/\\]/.test(next) ? { next } : {}) }
  },
})
const invitation = createRoute({ getParentRoute: () => root, path: '/invitation', component: lazyRouteComponent(() => import('./session/Invitation'), 'InvitationPage') })
const reset = createRoute({ getParentRoute: () => root, path: '/reset', component: lazyRouteComponent(() => import('./session/Reset'), 'ResetPage') })

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    invitation,
    reset,
    shell.addChildren([home, activity, insights.addChildren([watch.addChildren([...watchPages]), expected, insightSettings]), alerts.addChildren([inbox.addChildren([...inboxPages]), searches, silences]), rules.addChildren([...rulesTabs]), audit, rejects, keysBefore, ownActivity, security, settings.addChildren([settingsHome, ...settingsTabs])]),
  ]),
  parseSearch: parseAddress,
  stringifySearch: printAddress,
  defaultPreload: 'intent',
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
