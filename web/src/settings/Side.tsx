/** A panel over the right of the page: one thing with everything about it. Esc and the cross close it. */
import { X } from 'lucide-react'
import { useEffect, useRef, type ReactNode } from 'react'
import { useShortcuts } from '../ui/hooks'
import { usePhone } from '../ui/media'

/** What opens above a panel. */
const ABOVE = 'dialog, [role=menu], [role=listbox], .popover'

export function Side({ label, title, sub, onClose, children }: { label: string; title: ReactNode; sub?: ReactNode; onClose: () => void; children: ReactNode }) {
  const panel = useRef<HTMLElement>(null)
  useShortcuts({ Escape: onClose })
  useEffect(() => {
    const before = document.activeElement
    panel.current?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const isPhone = usePhone()
  useEffect(() => {
    if (!isPhone) return undefined
    // It covers the page there: what has the focus below it could not be seen. After its last part comes its first.
    const onFocus = ({ target }: FocusEvent): void => {
      const isAbove = target instanceof Element && target.closest(ABOVE) !== null
      if (!isAbove && target instanceof Node && !panel.current?.contains(target)) panel.current?.focus()
    }
    document.addEventListener('focusin', onFocus)
    return () => document.removeEventListener('focusin', onFocus)
  }, [isPhone])
  return (
    <aside className="side" aria-label={label} ref={panel} tabIndex={-1}>
      <header className="side-head">
        <div>
          <h2>{title}</h2>
          {sub !== undefined && <div className="muted small">{sub}</div>}
        </div>
        <button type="button" className="icon-button" aria-label="Close (Esc)" onClick={onClose}>
          <X size={16} aria-hidden />
        </button>
      </header>
      <div className="side-body">{children}</div>
    </aside>
  )
}
