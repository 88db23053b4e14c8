/** What pages ask of alerts, and what is known anew after an act. */
import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { useEffect } from 'react'
import { alerts, type AlertFilter } from '../api/alerts'
import type { AlertCounts, AlertDetail, AlertPage } from '../api/shapes'
import { useSigned } from '../session/me'
import { isMine } from './people'
import { fits } from './standing'

const PAGE = 100
const POLL_MS = 5000
const DETAIL_MS = 10_000
const COUNTS_MS = 20_000

/** How many stand where. */
export function useAlertCounts(): AlertCounts | undefined {
  const { rights } = useSigned()
  return useQuery({
    queryKey: ['alerts', 'counts'],
    queryFn: ({ signal }) => alerts.list({ limit: 1 }, true, signal).then((page) => page.counts),
    refetchInterval: COUNTS_MS,
    enabled: rights.may('alerts.read'),
  }).data
}

export const useOpenAlerts = (): number => useAlertCounts()?.open ?? 0

/** The list as it was taken, and as it would be now. */
export function useAlertList(filter: AlertFilter) {
  const client = useQueryClient()
  const list = useInfiniteQuery({
    queryKey: ['alerts', 'list', filter],
    queryFn: ({ pageParam, signal }) => alerts.list({ ...filter, limit: PAGE, cursor: pageParam === '' ? undefined : pageParam }, false, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    // What is shown changes only when it is asked to; coming back to the page asks.
    staleTime: Infinity,
    refetchOnMount: 'always',
  })
  const poll = useQuery({
    queryKey: ['alerts', 'poll', filter],
    queryFn: ({ signal }) => alerts.list({ ...filter, limit: PAGE }, true, signal),
    refetchInterval: POLL_MS,
    enabled: list.isSuccess,
    staleTime: POLL_MS,
  })
  const counts = poll.data?.counts
  useEffect(() => {
    if (counts) client.setQueryData(['alerts', 'counts'], counts)
  }, [client, counts])
  return { list, poll }
}

export function useAlert(id: string) {
  return useQuery({
    queryKey: ['alerts', 'one', id],
    // The first look is the person's; the page itself asks for the others.
    queryFn: ({ signal, client }) => alerts.get(id, client.getQueryData(['alerts', 'one', id]) !== undefined, signal),
    refetchInterval: DETAIL_MS,
    staleTime: 2000,
  })
}

/** Takes alerts as an act left them: lists show them so, and lose those that stand elsewhere now. */
export function useAlertsChanged(): (details: readonly AlertDetail[]) => void {
  const client = useQueryClient()
  const { me } = useSigned()
  return (details) => {
    if (details.length === 0) return
    const changed = new Map(details.map((detail) => [detail.alert.id, detail.alert]))
    for (const detail of details) client.setQueryData(['alerts', 'one', detail.alert.id], detail)
    for (const [key, pages] of client.getQueriesData<InfiniteData<AlertPage>>({ queryKey: ['alerts', 'list'] })) {
      if (!pages) continue
      const filter = key[2] as AlertFilter
      client.setQueryData(key, { ...pages, pages: pages.pages.map((page) => ({ ...page, alerts: page.alerts.map((alert) => changed.get(alert.id) ?? alert).filter((alert) => !changed.has(alert.id) || fits(alert, filter, (label) => isMine(label, me))) })) })
    }
    void client.invalidateQueries({ queryKey: ['alerts', 'poll'] })
    void client.invalidateQueries({ queryKey: ['alerts', 'counts'] })
  }
}

/** After a conflict: everything as the server has it now. */
export function useAlertsAgain(): () => void {
  const client = useQueryClient()
  return () => void client.invalidateQueries({ queryKey: ['alerts'] })
}
