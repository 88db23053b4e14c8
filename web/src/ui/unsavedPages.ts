/** Whether something on the page is written and not saved, for whoever would take the page away. */
import { useEffect } from 'react'

const open = new Set<symbol>()

export const hasUnsaved = (): boolean => open.size > 0

export function useUnsaved(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return undefined
    const own = Symbol('unsaved')
    open.add(own)
    return () => {
      open.delete(own)
    }
  }, [isChanged])
}
