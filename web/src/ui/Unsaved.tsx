/** Asks before a page is left whose text is not saved; when the tab itself is closed or loaded anew, the browser asks. */
import { useBlocker } from '@tanstack/react-router'
import { Dialog } from './Dialog'
import { useUnsaved } from './unsavedPages'

interface UnsavedProps {
  isChanged: boolean
  /** What is lost: `Your changes to “Failed logins”`. */
  what: string
}

/** What of an address, besides its path, makes another page of it; its other parts only show another part. */
const OTHER_PAGE = ['account', 'copy', 'action'] as const

interface Place {
  pathname: string
  search: object
}

const part = (place: Place, name: string): unknown => (place.search as Record<string, unknown>)[name]
export const isOtherPage = (current: Place, next: Place): boolean => current.pathname !== next.pathname || OTHER_PAGE.some((name) => part(current, name) !== part(next, name))

export function Unsaved({ isChanged, what }: UnsavedProps) {
  useUnsaved(isChanged)
  const leaving = useBlocker({
    shouldBlockFn: ({ current, next }) => isChanged && isOtherPage(current, next),
    enableBeforeUnload: () => isChanged,
    withResolver: true,
  })
  if (leaving.status !== 'blocked') return null
  return <LeaveQuestion title="Leave without saving?" what={what} action="Leave without saving" onStay={leaving.reset} onLeave={leaving.proceed} />
}

interface LeaveQuestionProps {
  title: string
  what: string
  action: string
  onStay: () => void
  onLeave: () => void
}

export function LeaveQuestion({ title, what, action, onStay, onLeave }: LeaveQuestionProps) {
  return (
    <Dialog title={title} className="dialog-small" onClose={onStay}>
      <p>{what} are not saved, and are lost when you leave this page.</p>
      <div className="dialog-foot">
        <button type="button" className="button" data-focus onClick={onStay}>
          Stay here
        </button>
        <button type="button" className="button danger solid" onClick={onLeave}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
