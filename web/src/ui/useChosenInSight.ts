import { useEffect, useRef } from 'react'

/** Tabs that scroll where there is little room: the chosen one is never out of sight, and the page itself stays where it is. */
export function useChosenInSight(chosen: string) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[aria-selected="true"]')
    if (!list.current || !tab) return
    const [whole, part] = [list.current.getBoundingClientRect(), tab.getBoundingClientRect()]
    list.current.scrollLeft += part.left + part.width / 2 - (whole.left + whole.width / 2)
  }, [chosen])
  return list
}
