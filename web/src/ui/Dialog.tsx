/** A modal dialog on the browser's own: it keeps the focus, closes on Esc and gives the focus back. */
import { X } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { isFocusLost, menuButton } from './focus'

interface DialogProps {
  title: string
  onClose: () => void
  className?: string
  hideTitle?: boolean
  children: ReactNode
}

export function Dialog({ title, onClose, className = '', hideTitle = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const isPressedOutside = useRef(false)
  // Before the page is drawn, not after: a dialog that is closed once it has left the page gives the focus back to nobody.
  useLayoutEffect(() => {
    const element = dialog.current
    // A menu that opened it goes, and its button cannot take the focus while the dialog is there.
    const opener = menuButton()
    element?.showModal()
    // What asks for the focus as it is mounted asks too early: a dialog that is not shown gives it to nobody.
    element?.querySelector<HTMLElement>('[data-focus]')?.focus()
    return () => {
      element?.close()
      if (isFocusLost() || element?.contains(document.activeElement)) opener?.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`dialog ${className}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onPointerDown={(event) => {
        isPressedOutside.current = event.target === dialog.current
      }}
      onClick={(event) => {
        // Who marks text in a field and lets go outside has not clicked there.
        if (event.target === dialog.current && isPressedOutside.current) onClose()
      }}
    >
      <div className="dialog-body">
        <div className={hideTitle ? 'visually-hidden' : 'dialog-head'}>
          <h2 id={heading}>{title}</h2>
          {!hideTitle && (
            <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
              <X size={16} aria-hidden />
            </button>
          )}
        </div>
        {children}
      </div>
    </dialog>
  )
}
