import { useEffect, useRef } from 'react'

/** Whether what had the focus has left the page: the next key would begin at its top. */
export const isFocusLost = (): boolean => document.activeElement === null || document.activeElement === document.body

let menu: string | undefined

/** Keeps in mind whose menu has the focus; once for the page. */
export function watchMenus(): void {
  const look = ({ target }: Event): void => {
    menu = target instanceof Element ? (target.closest('[role=menu]')?.getAttribute('aria-labelledby') ?? undefined) : undefined
  }
  document.addEventListener('focusin', look)
  // Not every browser gives the focus to what is clicked.
  document.addEventListener('pointerdown', look, { capture: true })
}

/** The button of the menu that had the focus last; nothing where something else had it since. */
export const menuButton = (): HTMLElement | undefined => (menu === undefined ? undefined : (document.getElementById(menu) ?? undefined))

/** The page's heading takes the focus when a row left a list and took the focus with it. `rows`: nothing until known. */
export function useRowsLeave(rows: number | undefined): void {
  const before = useRef(rows)
  useEffect(() => {
    if (rows !== undefined && before.current !== undefined && rows < before.current && isFocusLost()) focusHeading()
    before.current = rows
  }, [rows])
}

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h1')
  if (!heading) return
  heading.tabIndex = -1
  heading.focus()
}
