/** The wire: typed by the contract, about the account that the address names, failing with `Problem`s. */
import createClient from 'openapi-fetch'
import { accountOfAddress, takesAccount } from './account'
import { Problem } from './problem'
import type { paths } from './schema'

export const http = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  headers: { accept: 'application/json' },
  // Looked up at each call, so that tests can stand in for the network.
  fetch: (request) => window.fetch(request),
  querySerializer: { array: { style: 'form', explode: true } },
})

/** After so long without a key or a pointer, what the page asks is its own doing and no use of the session. */
const IDLE_MS = 30_000
let lastDeed = performance.now()
for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const) {
  window.addEventListener(kind, () => (lastDeed = performance.now()), { capture: true, passive: true })
}

http.use({
  onRequest({ request, schemaPath }) {
    if (performance.now() - lastDeed > IDLE_MS) request.headers.set('x-whodid-background', 'true')
    const account = accountOfAddress()
    if (account === undefined || !takesAccount(schemaPath, request.method)) return undefined
    const address = new URL(request.url)
    address.searchParams.set('account', account)
    return new Request(address, request)
  },
})

interface Answered<T> {
  data?: T | undefined
  error?: unknown
  response: Response
}

/** The answer itself, or a `Problem`. `query`: the text that positions in the problem are about, and where in it the person's own begins. */
export async function take<T>(call: Promise<Answered<T>>, query = '', begins = 0): Promise<T> {
  return (await takeWhole(call, query, begins)).data
}

/** As `take`, with the status, for routes where it tells two good answers apart. */
export async function takeWhole<T>(call: Promise<Answered<T>>, query = '', begins = 0): Promise<{ status: number; data: T }> {
  let answer: Answered<T>
  try {
    answer = await call
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new Problem(0, { detail: 'Check that whodid is running and that this machine can reach it.' })
  }
  if (!answer.response.ok) throw new Problem(answer.response.status, answer.error, query, begins, answer.response.headers.get('retry-after'))
  return { status: answer.response.status, data: answer.data as T }
}

/** A query string with what is set, for addresses that the browser itself opens; the account goes with it. */
export function searchText(values: Record<string, string | undefined>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...values, account: accountOfAddress() })) if (value !== undefined && value !== '') search.set(name, value)
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}
