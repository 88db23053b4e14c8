/** What pages ask of alerts on searches, presets and channels. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { alerts } from '../api/alerts'
import { searches } from '../api/searches'
import type { Channel } from '../api/shapes'
import { useSigned } from '../session/me'
import { SEES_CHANNELS } from '../session/rights'

const LIST_MS = 15_000

export function useSearchAlerts(isWanted = true) {
  const { rights } = useSigned()
  return useQuery({
    queryKey: ['searches', 'list'],
    // The first look is the person's; the page itself asks for the others.
    queryFn: ({ signal, client }) => searches.list(client.getQueryData(['searches', 'list']) !== undefined, signal),
    refetchInterval: LIST_MS,
    enabled: isWanted && rights.may('alerts.read'),
  })
}

export function usePresets() {
  const { rights } = useSigned()
  return useQuery({ queryKey: ['searches', 'presets'], queryFn: ({ signal }) => searches.presets(signal), enabled: rights.may('alerts.read') })
}

export interface Channels {
  /** Whether the person may look at channels at all. */
  isSeen: boolean
  list: readonly Channel[]
  isPending: boolean
  find: (id: string) => Channel | undefined
}

const NONE: readonly Channel[] = []

export function useChannels(): Channels {
  const { rights } = useSigned()
  const isSeen = rights.mayAny(SEES_CHANNELS)
  const query = useQuery({ queryKey: ['channels'], queryFn: ({ signal, client }) => alerts.channels(client.getQueryData(['channels']) !== undefined, signal), enabled: isSeen, staleTime: LIST_MS })
  const list = query.data?.channels ?? NONE
  return { isSeen, list, isPending: query.isPending && isSeen, find: (id) => list.find((channel) => channel.id === id) }
}

/** After a change: everything as the server has it now. */
export function useSearchesChanged(): () => void {
  const client = useQueryClient()
  return () => {
    void client.invalidateQueries({ queryKey: ['searches'] })
    void client.invalidateQueries({ queryKey: ['history'] })
  }
}
