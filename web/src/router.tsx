import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import { ActivityPage } from './activity/ActivityPage'
import { parseActivitySearch, parseAddress, printAddress } from './activity/search'
import { NotFound } from './pages/NotFound'
import { Shell } from './shell/Shell'
import { Trouble } from './ui/Trouble'

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => (
    <main className="page-alone">
      <Trouble error={error} onRetry={() => window.location.reload()} />
    </main>
  ),
})

const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw redirect({ to: '/activity', replace: true })
  },
})

export const activityRoute = createRoute({ getParentRoute: () => shell, path: '/activity', component: ActivityPage, validateSearch: parseActivitySearch })

export const rejectsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/rejects',
  component: lazyRouteComponent(() => import('./pages/Rejects'), 'RejectsPage'),
  validateSearch: (search: Record<string, unknown>): { code?: string } => (typeof search.code === 'string' && search.code !== '' ? { code: search.code } : {}),
})

export const keysRoute = createRoute({ getParentRoute: () => shell, path: '/keys', component: lazyRouteComponent(() => import('./pages/Keys'), 'KeysPage') })

export const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/SignIn'), 'SignInPage'),
  validateSearch: (search: Record<string, unknown>): { error?: string; next?: string } => ({
    ...(typeof search.error === 'string' ? { error: search.error } : {}),
    // Only places of this site: a link must not lead elsewhere after signing in.
    ...(typeof search.next === 'string' && /^\/[^/\\]/.test(search.next) ? { next: search.next } : {}),
  }),
})

export const router = createRouter({
  routeTree: root.addChildren([home, signInRoute, shell.addChildren([activityRoute, rejectsRoute, keysRoute])]),
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
