import { MousePointerClick } from 'lucide-react'

/** Beside the list while no alert is open. */
export function NoneOpen() {
  return (
    <div className="alert-none">
      <MousePointerClick size={26} aria-hidden />
      <p>Choose an alert to read what happened.</p>
      <p className="muted small">
        <kbd>j</kbd> <kbd>k</kbd> move · <kbd>o</kbd> open · <kbd>a</kbd> acknowledge · <kbd>r</kbd> resolve · <kbd>x</kbd> choose
      </p>
    </div>
  )
}
