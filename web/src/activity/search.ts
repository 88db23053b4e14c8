/** What the Activity page shows, as its address says it. Every part is optional; absent means the default. */
import type { Filter } from '../api/shapes'
import type { Logs } from '../query/logs'
import { DEFAULT_RANGE } from './time'

export interface ActivitySearch {
  q?: string
  from?: string
  to?: string
  order?: 'asc'
  /** Columns in order, each with its width where a person set one: `time~150,who,target.id`. */
  cols?: string
  facets?: string
  /** Record id of the open event: `activity:42`. */
  event?: string
  tab?: Tab
  live?: boolean
  logs?: Logs
  /** What was found, or what is told of insights, instead of what sources tell. */
  stream?: 'findings' | 'insights'
}

export const TABS = ['summary', 'fields', 'json', 'related', 'around'] as const
export type Tab = (typeof TABS)[number]

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Takes what is understood from an address and drops the rest, so that an old or mistyped link still opens. */
export function parseActivitySearch(search: Record<string, unknown>): ActivitySearch {
  const found: ActivitySearch = {}
  const tab = TABS.find((name) => name === search.tab)
  if (text(search.q)) found.q = text(search.q)
  if (text(search.from)) found.from = text(search.from)
  if (text(search.to)) found.to = text(search.to)
  if (search.order === 'asc') found.order = 'asc'
  if (text(search.cols)) found.cols = text(search.cols)
  if (typeof search.facets === 'string') found.facets = search.facets
  if (text(search.event)) found.event = text(search.event)
  if (tab && tab !== 'summary') found.tab = tab
  if (search.logs === 'account' || search.logs === 'space') found.logs = search.logs
  if (search.stream === 'findings' || search.stream === 'insights') found.stream = search.stream
  // Live shows what comes now, newest first.
  if ((search.live === '1' || search.live === true) && !found.to && !found.order) found.live = true
  return found
}

/** Plain names and values, so that people can read and write addresses: `?q=outcome:failure&from=now-24h`. */
export function parseAddress(address: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(address))
}

export function printAddress(search: Record<string, unknown>): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === false || value === '') {
      if (!(name === 'facets' && value === '')) continue
    }
    const plain = value === true ? '1' : typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value)
    // Only what would end the value or be read otherwise is escaped.
    const escaped = encodeURIComponent(plain).replace(/%(3A|2C|2F|40|5B|5D|28|29|3D|2A)/gi, (code) => decodeURIComponent(code)).replace(/%20/g, '+')
    parts.push(`${name}=${escaped}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** `all` stands for no bound at all; the API says that by leaving both away. */
export function filterOf(q: string | undefined, start: string | undefined, to: string | undefined, stream?: string, logs?: Logs): Filter {
  const from = start ?? DEFAULT_RANGE
  return {
    ...(q ? { q } : {}),
    ...(from !== 'all' ? { from } : {}),
    ...(to ? { to } : {}),
    ...(stream !== undefined ? { stream } : {}),
    ...(logs !== undefined ? { logs } : {}),
  }
}
