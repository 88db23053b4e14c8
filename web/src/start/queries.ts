/** What the start page asks for, all of it again by itself while the page is open. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { FOUND } from '../activity/preset'
import { alerts } from '../api/alerts'
import { api } from '../api/client'
import { findings } from '../api/findings'
import { useSigned } from '../session/me'
import { usePrefs } from '../ui/prefs'
import { DAYS } from './cards'

const AGAIN_MS = 60_000
const FIRST_EVENT_MS = 3000
const LATEST = 8
const ALERTS = 100

/** The zone whose days are counted, as the server knows it. */
export function useDayZone(): string {
  const { zone } = usePrefs()
  return zone === 'utc' ? 'UTC' : (new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC')
}

export function useCards() {
  const zone = useDayZone()
  return useQuery({ queryKey: ['cards', zone], queryFn: ({ signal }) => findings.cards(DAYS, zone, signal), refetchInterval: AGAIN_MS, placeholderData: keepPreviousData })
}

/** Found by each rule, by day. Only for who may see what was found. */
export function useFindingDays(days: number, enabled: boolean) {
  const zone = useDayZone()
  return useQuery({ queryKey: ['finding-days', days, zone], queryFn: ({ signal }) => findings.days(days, zone, signal), refetchInterval: AGAIN_MS, placeholderData: keepPreviousData, enabled })
}

export const useLatestFindings = () => useQuery({ queryKey: ['latest-findings'], queryFn: ({ signal }) => api.events({ stream: 'findings', q: FOUND, limit: LATEST }, signal), refetchInterval: AGAIN_MS })

/** Alerts that are not over. The gravest of more than a page are asked for by themselves. */
export function useWaitingAlerts() {
  return useQuery({
    queryKey: ['alerts', 'waiting'],
    queryFn: async ({ signal, client }) => {
      const isBackground = client.getQueryData(['alerts', 'waiting']) !== undefined
      const page = await alerts.list({ status: 'open,acknowledged', limit: ALERTS }, isBackground, signal)
      const grave = page.next_cursor === null ? [] : (await alerts.list({ status: 'open', severity: 'high', limit: ALERTS }, isBackground, signal)).alerts
      const known = new Set(page.alerts.map((alert) => alert.id))
      return { counts: page.counts, alerts: [...page.alerts, ...grave.filter((alert) => !known.has(alert.id))] }
    },
    refetchInterval: AGAIN_MS / 2,
  })
}

/** What came in since a moment, by result. */
export function useEventsSince(from: string) {
  return useQuery({ queryKey: ['histogram', { from }], queryFn: ({ signal }) => api.histogram({ from }, signal), refetchInterval: AGAIN_MS, placeholderData: keepPreviousData })
}

/** Whether anything was ever sent; asked often until something was. */
export function useHasEvents(): boolean | undefined {
  const { rights } = useSigned()
  const status = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => api.status(signal), refetchInterval: ({ state }) => (state.data?.events === 0 ? FIRST_EVENT_MS : false) })
  if (status.data === undefined) return undefined
  // Who sees only some of the events is not told how many there are.
  return status.data.events !== 0 || !rights.seesAllEvents
}
