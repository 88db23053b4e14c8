/** Asks before something that matters, says what it does, and keeps what went wrong in sight. */
import type { ReactNode } from 'react'
import { useChange } from '../session/change'
import { Dialog } from './Dialog'
import { Words } from './Words'

interface ConfirmProps<T> {
  title: string
  /** What the button does: `Revoke`. */
  action: string
  keep?: string
  isGrave?: boolean
  change: () => Promise<T>
  onDone: (result: T) => void
  onClose: () => void
  children: ReactNode
}

export function Confirm<T>({ title, action, keep = 'Cancel', isGrave = true, change, onDone, onClose, children }: ConfirmProps<T>) {
  const run = useChange({ mutationFn: change, onSuccess: onDone })
  return (
    <Dialog title={title} className="dialog-small" onClose={onClose}>
      <div className="stack">{children}</div>
      <ChangeError error={run.error} />
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {keep}
        </button>
        <button type="button" className={isGrave ? 'button danger solid' : 'button primary'} aria-disabled={run.isPending} onClick={() => !run.isPending && run.mutate()}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}

/** Why a change was not made. */
export function ChangeError({ error }: { error: Error | null | undefined }) {
  return error ? (
    <p className="banner error" role="alert">
      <Words text={error.message} />
    </p>
  ) : null
}
