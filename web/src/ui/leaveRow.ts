/** Gives the focus of a row that is about to go to the button that adds rows; else it would be nowhere. */
export function leaveRow(from: HTMLElement): void {
  from.closest('[data-rows], fieldset')?.querySelector<HTMLElement>(':scope > .link-button')?.focus()
}
