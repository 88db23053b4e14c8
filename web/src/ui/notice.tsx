/** Short messages that pass by: shown at the foot and spoken by screen readers. */
import { useEffect, useSyncExternalStore } from 'react'

/** Long enough for a word or two; a refusal with its reason takes longer to read. */
const SHOWN_MS = 3500
const READ_MS = 45
const SHOWN_MS_MAX = 15_000

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
    const timer = setTimeout(() => notify(''), Math.min(SHOWN_MS_MAX, SHOWN_MS + shown.text.length * READ_MS))
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
