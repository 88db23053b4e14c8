import { useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import type { Me } from '../api/shapes'
import { useChange } from './change'
import { isLongEnough, NewPassword } from './NewPassword'
import { PasswordField } from './PasswordField'

/** Sets or changes one's own password. */
export function ChangePassword({ me, onDone, onCancel }: { me: Me; onDone: () => void; onCancel?: () => void }) {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const id = useId()
  const client = useQueryClient()
  const change = useChange({
    mutationFn: () => own.changePassword(me.has_password ? current : undefined, password),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['me'] })
      void client.invalidateQueries({ queryKey: ['own-sessions'] })
      onDone()
    },
  })
  const weak = isProblem(change.error, 'weak_password')
  const currentWrong = isProblem(change.error, 'sign_in_failed')
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        change.mutate()
      }}
    >
      <input className="visually-hidden" type="text" name="username" autoComplete="username" readOnly tabIndex={-1} aria-hidden value={me.user.name} />
      {!me.has_password && <p className="muted">You have none yet, so none is asked for. Sign in as <strong>{me.user.name}</strong> with the new one from now on.</p>}
      {me.has_password && <PasswordField id={`${id}-current`} label="Password until now" autoComplete="current-password" autoFocus value={current} onChange={setCurrent} error={currentWrong ? 'This is not your password.' : undefined} />}
      <NewPassword id={`${id}-new`} lengthMin={me.password_length_min} autoFocus={!me.has_password} value={password} onChange={setPassword} error={weak ? change.error?.message : undefined} />
      {change.isError && !weak && !currentWrong && (
        <p className="banner error" role="alert">
          {change.error.message}
        </p>
      )}
      <div className="dialog-foot">
        {onCancel && (
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" className={`button primary${onCancel ? '' : ' wide'}`} disabled={change.isPending || (me.has_password && current === '') || !isLongEnough(password, me.password_length_min)}>
          {change.isPending ? 'Setting…' : me.has_password ? 'Change the password' : 'Set the password'}
        </button>
      </div>
    </form>
  )
}
