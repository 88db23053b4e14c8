import { useSyncExternalStore } from 'react'

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query)
      list.addEventListener('change', listener)
      return () => list.removeEventListener('change', listener)
    },
    () => window.matchMedia(query).matches,
  )
}

/** Too narrow for facets beside the table: they come in a sheet. */
export const useNarrow = (): boolean => useMedia('(max-width: 1100px)')

export const usePhone = (): boolean => useMedia('(max-width: 760px)')
