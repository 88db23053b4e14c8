import { useMutation } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { own } from '../api/own'
import { SignInFrame } from './SignInFrame'

/** Asks the administrators for a new password. The answer is the same for every name. */
export function ForgottenPassword({ onBack }: { onBack: () => void }) {
  const [user, setUser] = useState('')
  const id = useId()
  const ask = useMutation({ mutationFn: () => own.askForReset(user.trim()) })
  const back = (
    <div className="sign-in-ways">
      <button type="button" className="link-button" onClick={onBack}>
        Back to signing in
      </button>
    </div>
  )
  if (ask.isSuccess) {
    return (
      <SignInFrame title="Your request is noted">
        <p role="status">If there is such a user, your administrators have been told; they hand you a link.</p>
        <p className="muted">whodid sends no mail. If you know an administrator, tell them that you asked.</p>
        {back}
      </SignInFrame>
    )
  }
  return (
    <SignInFrame title="New password" lead="Your administrators are told that you ask for one. They hand you a link to choose it.">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          ask.mutate()
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-user`}>Name</label>
          <input id={`${id}-user`} type="text" className="field-input" autoComplete="username" autoCapitalize="off" spellCheck={false} autoFocus required value={user} onChange={(event) => setUser(event.target.value)} />
        </div>
        {ask.isError && (
          <p className="banner error" role="alert">
            {ask.error.message}
          </p>
        )}
        <button type="submit" className="button primary wide" disabled={ask.isPending || user.trim() === ''}>
          Ask for a new password
        </button>
      </form>
      {back}
    </SignInFrame>
  )
}
