/** What the Insights pages show, as their address says it: filters by the names of the API. Pure. */
import type { InsightQuery, VendorForm } from '../api/insights'
import { kindNamed } from './kinds'

/** Filters on one text each, by the API's names. */
export const TEXTS = ['region', 'event_source', 'event_name', 'error_code', 'source_ip_address', 'access_key_id', 'principal_id', 'insight_object'] as const
export type TextFilter = (typeof TEXTS)[number]

export const TEXT_LABELS: Record<TextFilter, string> = {
  region: 'region', event_source: 'service', event_name: 'action', error_code: 'error code', source_ip_address: 'address', access_key_id: 'access key', principal_id: 'who', insight_object: 'object',
}

export interface InsightSearch extends Partial<Record<TextFilter, string>> {
  insight_type?: string
  state?: string
  /** Also those that are expected. */
  expected?: string
  from?: string
  to?: string
  /** Of the open one: seconds of a point of its chart, and the form its record is shown in. */
  period?: string
  form?: string
}

export const USUAL_RANGE = 'now-30d'

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Takes what is understood from an address and drops the rest. */
export function parseInsightSearch(search: Record<string, unknown>): InsightSearch {
  const found: InsightSearch = {}
  const kind = kindNamed(text(search.insight_type))
  if (kind) found.insight_type = kind
  if (search.state === 'open' || search.state === 'ended') found.state = search.state
  for (const name of TEXTS) {
    const value = text(search[name])
    if (value !== undefined) found[name] = value
  }
  if (search.expected === '1' || search.expected === 'true') found.expected = '1'
  if (text(search.from)) found.from = text(search.from)
  if (text(search.to)) found.to = text(search.to)
  if (search.period === '60' || search.period === '3600') found.period = search.period
  if (search.form === 'whodid' || vendorForm(text(search.form))) found.form = text(search.form)
  return found
}

export const vendorForm = (name: string | undefined): VendorForm | undefined => (name === 'actiontrail' || name === 'cloudtrail' ? name : undefined)

/** A start as the API of insights reads it: `7d` for `now-7d`, the first of all times for `all`. */
function point(from: string): string {
  return from === 'all' ? '1970-01-01T00:00:00Z' : (/^now-(\d+[smhdw])$/.exec(from)?.[1] ?? from)
}

/** The address as the list asks it. */
export function queryOf(search: InsightSearch): InsightQuery {
  const query: InsightQuery = { from: point(search.from ?? USUAL_RANGE) }
  const kind = kindNamed(search.insight_type)
  if (search.to !== undefined) query.to = search.to
  if (kind) query.insight_type = kind
  if (search.state === 'open' || search.state === 'ended') query.state = search.state
  for (const name of TEXTS) if (search[name] !== undefined) query[name] = search[name]
  if (search.expected !== undefined) query.expected = true
  return query
}

/** The same list without what the cards choose between. */
export function withoutCards(search: InsightSearch): InsightSearch {
  const rest = { ...search }
  delete rest.insight_type
  delete rest.state
  return rest
}

export const isNarrow = (search: InsightSearch): boolean => search.insight_type !== undefined || search.state !== undefined || TEXTS.some((name) => search[name] !== undefined)
