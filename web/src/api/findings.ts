/** What was found: the cards of the start page, and findings by day. */
import { http, take } from './http'
import type { CardList, FindingDays } from './shapes'

export const findings = {
  /** `zone`: whose days these are, as IANA names it. */
  cards: (days: number, zone: string, signal: AbortSignal): Promise<CardList> => take(http.GET('/api/v1/cards', { params: { query: { days, time_zone: zone } }, signal })),
  days: (days: number, zone: string, signal: AbortSignal): Promise<FindingDays> => take(http.GET('/api/v1/findings/days', { params: { query: { days, time_zone: zone } }, signal })),
}
