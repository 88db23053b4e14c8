/** What the pages of insights ask, and what is known anew after somebody said something. */
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { insights, type InsightQuery, type SeriesQuery } from '../api/insights'
import type { Insight, InsightPage } from '../api/shapes'
import { useSigned } from '../session/me'
import { isExpected } from './words'

const PAGE = 100
const LIST_MS = 15_000
const DETAIL_MS = 15_000
const COUNTS_MS = 30_000

/** Insights tell of all events: a refusal would be recorded each time that a page asks by itself. */
function useMayRead(): boolean {
  return useSigned().rights.seesAllEvents
}

/** How many there are of a list, by kind; the list itself is not asked for. */
export function useInsightCounts(query: InsightQuery, enabled = true) {
  const mayRead = useMayRead()
  return useQuery({
    queryKey: ['insights', 'counts', query],
    queryFn: ({ signal }) => insights.list({ ...query, limit: 1 }, true, signal).then((page) => page.counts),
    refetchInterval: COUNTS_MS,
    enabled: enabled && mayRead,
  })
}

export const useOpenInsights = (): number => useInsightCounts({ state: 'open' }).data?.open ?? 0

export function useInsightList(query: InsightQuery) {
  return useInfiniteQuery({
    queryKey: ['insights', 'list', query],
    // The first look is the person's; the page itself asks for the others.
    queryFn: ({ pageParam, signal, client }) => insights.list({ ...query, limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) }, client.getQueryData(['insights', 'list', query]) !== undefined && pageParam === '', signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: LIST_MS,
    placeholderData: keepPreviousData,
  })
}

/** The first few of a list, for a card or a panel. */
export function useFewInsights(query: InsightQuery, enabled = true) {
  const mayRead = useMayRead()
  return useQuery({
    queryKey: ['insights', 'few', query],
    queryFn: ({ signal, client }) => insights.list(query, client.getQueryData(['insights', 'few', query]) !== undefined, signal),
    refetchInterval: COUNTS_MS,
    enabled: enabled && mayRead,
  })
}

export function useInsight(id: string) {
  return useQuery({
    queryKey: ['insights', 'one', id],
    queryFn: ({ signal, client }) => insights.get(id, client.getQueryData(['insights', 'one', id]) !== undefined, signal),
    refetchInterval: DETAIL_MS,
    staleTime: 2000,
  })
}

export function useInsightSeries(id: string, query: SeriesQuery, isOver: boolean) {
  return useQuery({
    queryKey: ['insights', 'series', id, query],
    queryFn: ({ signal }) => insights.series(id, query, signal),
    refetchInterval: isOver ? false : COUNTS_MS * 2,
    placeholderData: keepPreviousData,
  })
}

export function useInsightStatus() {
  return useQuery({
    queryKey: ['insights', 'status'],
    queryFn: ({ signal, client }) => insights.status(client.getQueryData(['insights', 'status']) !== undefined, signal),
    refetchInterval: COUNTS_MS,
    enabled: useMayRead(),
  })
}

export function useExpected() {
  const { rights } = useSigned()
  return useQuery({ queryKey: ['insights', 'expected'], queryFn: ({ signal }) => insights.expected(signal), enabled: rights.may('rules.read') })
}

/** Takes an insight as a deed left it: lists show it so, and lose it where they leave out what is expected. */
export function useInsightChanged(): (insight: Insight) => void {
  const client = useQueryClient()
  return (insight) => {
    client.setQueryData(['insights', 'one', insight.id], insight)
    for (const [key, pages] of client.getQueriesData<InfiniteData<InsightPage>>({ queryKey: ['insights', 'list'] })) {
      if (!pages) continue
      const { expected } = key[2] as InsightQuery
      const stays = expected === true || !isExpected(insight)
      client.setQueryData(key, { ...pages, pages: pages.pages.map((page) => ({ ...page, insights: page.insights.flatMap((one) => (one.id !== insight.id ? [one] : stays ? [insight] : [])) })) })
    }
    for (const part of ['counts', 'few', 'status', 'expected', 'list']) void client.invalidateQueries({ queryKey: ['insights', part] })
  }
}

/** After settings or patterns changed: what pages know of insights is old. */
export function useInsightsAgain(): () => void {
  const client = useQueryClient()
  return () => void client.invalidateQueries({ queryKey: ['insights'] })
}
