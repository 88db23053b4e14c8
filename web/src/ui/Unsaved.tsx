/** Asks before a page is left whose text is not saved; when the tab itself is closed or loaded anew, the browser asks. */
import { useBlocker } from '@tanstack/react-router'
import { Dialog } from './Dialog'

interface UnsavedProps {
  isChanged: boolean
  /** What is lost: `the changes to this rule`. */
  what: string
}

export function Unsaved({ isChanged, what }: UnsavedProps) {
  const leaving = useBlocker({
    // Another part of the same page, a tab or a filter in its address, takes nothing away.
    shouldBlockFn: ({ current, next }) => isChanged && current.pathname !== next.pathname,
    enableBeforeUnload: () => isChanged,
    withResolver: true,
  })
  if (leaving.status !== 'blocked') return null
  return (
    <Dialog title="Leave without saving?" className="dialog-small" onClose={leaving.reset}>
      <p>{what} are not saved, and are lost when you leave this page.</p>
      <div className="dialog-foot">
        <button type="button" className="button" data-focus onClick={leaving.reset}>
          Stay here
        </button>
        <button type="button" className="button danger solid" onClick={leaving.proceed}>
          Leave without saving
        </button>
      </div>
    </Dialog>
  )
}
