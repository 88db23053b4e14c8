/** What any value on the Activity page lets a person do, wherever it stands. */
import { createContext, use } from 'react'
import type { FilterMode } from '../query/terms'

export interface ActivityActions {
  filter: (field: string, value: string, mode: FilterMode) => void
  addColumn: (field: string) => void
  openEvent: (record: string) => void
  /** Opens the menu of one value beside the element that asked. */
  valueMenu: (anchor: HTMLElement, field: string, value: string) => void
}

export const ActionsContext = createContext<ActivityActions | undefined>(undefined)

export function useActions(): ActivityActions {
  const actions = use(ActionsContext)
  if (!actions) throw new Error('shown inside the Activity page')
  return actions
}
