import './opened'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/activity/layout.css'
import './styles/activity/query.css'
import './styles/activity/facets.css'
import './styles/activity/results.css'
import './styles/activity/table.css'
import './styles/activity/drawer.css'
import './styles/activity/profile.css'
import './styles/pages.css'
import './styles/sign-in.css'
import './styles/me.css'
import './styles/settings.css'
import './styles/keeping.css'
import './styles/rules/list.css'
import './styles/rules/rule.css'
import './styles/rules/text.css'
import './styles/rules/tests.css'
import './styles/rules/form.css'
import './styles/rules/backtest.css'
import './styles/rules/packages.css'
import './styles/rules/package-editor.css'
import './styles/rules/exceptions.css'
import './styles/alerts.css'
import './styles/channels.css'
import './styles/start.css'
import './styles/cards.css'
import './styles/searches.css'
import './styles/insights/list.css'
import './styles/insights/detail.css'
import { hashKey, MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { accountOfAddress } from './api/account'
import { Problem } from './api/problem'
import { router } from './router'
import { watchMenus } from './ui/focus'
import { notify } from './ui/notice'
import { hasUnsaved } from './ui/unsavedPages'

/** Pages of people who are not signed in, or not wholly: what fails there is told there. */
const OPEN_PAGES = ['/sign-in', '/invitation', '/reset']

/** Whatever is asked without a session ends at the sign-in page, which leads back here. */
function onError(error: Error): void {
  if (!(error instanceof Problem)) return
  // Something must be done first; who one is tells what.
  if (error.code === 'sign_in_incomplete') void client.invalidateQueries({ queryKey: ['me'] })
  if (error.status !== 401 || error.code === 'sign_in_failed' || error.code === 'code_wrong') return
  // Signing in elsewhere is enough to save it; the page here stays.
  if (hasUnsaved()) {
    notify('Your session has ended. What you wrote is still here: sign in in another tab, then save it.')
    return
  }
  const { pathname, href } = router.state.location
  if (!OPEN_PAGES.includes(pathname)) void router.navigate({ to: '/sign-in', search: href === '/' ? {} : { next: href } })
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      // A server on this machine answers without a network, and one that does not must be told, not waited for.
      networkMode: 'always',
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // One account's answers are not another's.
      queryKeyHashFn: (key) => hashKey(key[0] === 'me' ? key : [accountOfAddress() ?? '', ...key]),
      // Refusals stay refusals; only what may be a moment's trouble is asked again.
      retry: (failures, error) => failures < 2 && error instanceof Problem && (error.status === 0 || error.status === 502 || error.status === 504),
      retryDelay: (attempt) => 400 * 2 ** attempt,
    },
    mutations: { networkMode: 'always' },
  },
})

const root = document.getElementById('root')
if (!root) throw new Error('index.html has a #root')
watchMenus()
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
