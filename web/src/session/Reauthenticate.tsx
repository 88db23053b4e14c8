/** One small dialog for every change that needs the password once more. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import { Dialog } from '../ui/Dialog'
import { answerAsked, useIsAsked } from './change'
import { CodeField } from './CodeField'
import { useMeQuery } from './me'
import { PasswordField } from './PasswordField'

export function Reauthenticate() {
  return useIsAsked() ? <Ask /> : null
}

function Ask() {
  const me = useMeQuery().data
  const client = useQueryClient()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const id = useId()
  const hasPassword = me?.has_password ?? true
  const hasMfa = me?.has_mfa ?? false
  const prove = useMutation({
    mutationFn: () => own.reauthenticate(hasPassword ? password : undefined, hasMfa ? code : undefined),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['me'] })
      answerAsked(true)
    },
  })
  const codeWrong = isProblem(prove.error, 'code_wrong')
  const cancel = (): void => answerAsked(false)
  return (
    <Dialog title="Confirm that it is you" className="dialog-small" onClose={cancel}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          prove.mutate()
        }}
      >
        <p className="muted">You signed in more than ten minutes ago. After this, changes are possible for ten minutes.</p>
        {/* For password managers, which look for the name beside the password. */}
        <input className="visually-hidden" type="text" name="username" autoComplete="username" readOnly tabIndex={-1} aria-hidden value={me?.user.name ?? ''} />
        {hasPassword && <PasswordField id={`${id}-password`} label="Password" autoComplete="current-password" autoFocus value={password} onChange={setPassword} error={prove.isError && !codeWrong ? prove.error.message : undefined} />}
        {hasMfa && <CodeField id={`${id}-code`} label="Code of your authenticator app" value={code} onChange={setCode} error={codeWrong ? prove.error?.message : undefined} />}
        {!hasPassword && !hasMfa && <p className="banner">You have neither a password nor a second factor to confirm with. Sign out and in again, by the identity provider or a new one-time link of your administrator, and make the change within ten minutes.</p>}
        {!hasPassword && prove.isError && !codeWrong && (
          <p className="banner error" role="alert">
            {prove.error.message}
          </p>
        )}
        <div className="dialog-foot">
          <button type="button" className="button" onClick={cancel}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={prove.isPending || (hasPassword && password === '') || (hasMfa && code.length < 6) || (!hasPassword && !hasMfa)}>
            {prove.isPending ? 'Checking…' : 'Confirm'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
