/** Short messages that pass by: shown at the foot and spoken by screen readers. */
import { useEffect, useSyncExternalStore } from 'react'

let message = { text: '', at: 0 }
const listeners = new Set<() => void>()

export function notify(text: string): void {
  message = { text, at: message.at + 1 }
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => message)
  useEffect(() => {
    if (shown.text === '') return
    const timer = setTimeout(() => notify(''), 4000)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.text !== '' && <span key={shown.at}>{shown.text}</span>}
    </div>
  )
}

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    notify(`${what} copied`)
  } catch {
    // Without a secure origin there is no clipboard API; the old way still works.
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'visually-hidden'
    document.body.append(area)
    area.select()
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    notify(document.execCommand('copy') ? `${what} copied` : 'Copying is not allowed here')
    area.remove()
  }
}
