/** What a person prefers on this device, beside what the address says: theme, zone, density. */
import { useSyncExternalStore } from 'react'
import type { Zone } from '../activity/time'

export interface Prefs {
  theme: 'system' | 'light' | 'dark'
  zone: Zone
  density: 'compact' | 'comfortable'
  histogram: 'shown' | 'hidden'
  facets: 'shown' | 'hidden'
}

const DEFAULTS: Prefs = { theme: 'system', zone: 'local', density: 'compact', histogram: 'shown', facets: 'shown' }
const listeners = new Set<() => void>()
let current: Prefs = load()

function load(): Prefs {
  const found: Record<string, string> = { ...DEFAULTS }
  for (const name of Object.keys(DEFAULTS)) {
    try {
      found[name] = localStorage.getItem(`whodid.${name}`) ?? found[name] ?? ''
    } catch {
      // Storage may be forbidden; then preferences last as long as the page.
    }
  }
  return found as unknown as Prefs
}

export function setPref<Name extends keyof Prefs>(name: Name, value: Prefs[Name]): void {
  current = { ...current, [name]: value }
  try {
    localStorage.setItem(`whodid.${name}`, value)
  } catch {
    // As above.
  }
  if (name === 'theme') {
    if (value === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = value
  }
  for (const listener of listeners) listener()
}

export function usePrefs(): Prefs {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => current,
  )
}
