import { useEffect, useRef, useState } from 'react'

/** The value as it was once it stood still for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

/** True once `active` has lasted for `ms`: nothing flickers for answers that come at once. */
export function useDelayed(active: boolean, ms = 200): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!active) return
    const timer = setTimeout(() => setLate(true), ms)
    return () => {
      clearTimeout(timer)
      setLate(false)
    }
  }, [active, ms])
  return active && late
}

/** The element's width, followed as it changes. */
export function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const element = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (!element.current) return
    const observer = new ResizeObserver((entries) => setWidth(Math.floor(entries[0]?.contentRect.width ?? 0)))
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  return [element, width]
}

const LEADER_MS = 1500
/** Keys that are meant for what `g` leads to, not for what they do alone. */
const led = new WeakSet<Event>()
let leaderAt = -Infinity
// Before every listener: each must know the same of a key.
document.addEventListener(
  'keydown',
  (event) => {
    if (event.timeStamp - leaderAt < LEADER_MS) led.add(event)
    leaderAt = event.key === 'g' && !isTyped(event) ? event.timeStamp : -Infinity
  },
  { capture: true },
)

/** Whether a key is text, or belongs to what has the focus. */
function isTyped(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return true
  const target = event.target instanceof HTMLElement ? event.target : document.body
  return target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable], [role="menu"], [role="application"], dialog') !== null
}

/** Keys for the whole page, `g a` for one after `g`; not while a person types, and not with Ctrl, Alt or Meta. */
export function useShortcuts(keys: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(keys)
  useEffect(() => {
    latest.current = keys
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isTyped(event)) return
      latest.current[led.has(event) ? `g ${event.key}` : event.key]?.(event)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

const NOW_MS = 60_000

/** This moment, looked at anew once a minute. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), NOW_MS)
    return () => clearInterval(timer)
  }, [])
  return now
}
