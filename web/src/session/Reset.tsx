/** A new password by the link that an administrator handed over. */
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import type { LinkInfo } from '../api/shapes'
import { BadLink } from './BadLink'
import { isLongEnough, NewPassword } from './NewPassword'
import { reasonOf } from './reasons'
import { SignInFrame } from './SignInFrame'
import { useLink } from './useLink'

export function ResetPage() {
  const { token, link } = useLink('/reset')
  if (token === undefined || link.isError) return <BadLink title="New password" error={link.error ?? undefined} again="Ask your administrator for a new link." />
  if (!link.data) return <SignInFrame title="New password" lead="Reading the link…">{null}</SignInFrame>
  return <Choose token={token} info={link.data} />
}

function Choose({ token, info }: { token: string; info: LinkInfo }) {
  const navigate = useNavigate()
  const [password, setPassword] = useState('')
  const id = useId()
  const set = useMutation({
    mutationFn: () => own.reset(token, password),
    onSuccess: () => navigate({ to: '/sign-in', search: { notice: 'reset' }, replace: true }),
  })
  const weak = isProblem(set.error, 'weak_password')
  return (
    <SignInFrame title="New password" lead="All your sessions end when you set it; then sign in with the new one.">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          set.mutate()
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-user`}>Name</label>
          <input id={`${id}-user`} type="text" className="field-input" name="username" autoComplete="username" readOnly value={info.user} />
        </div>
        <NewPassword id={`${id}-password`} lengthMin={info.password_length_min} autoFocus value={password} onChange={setPassword} error={weak ? set.error?.message : undefined} />
        {set.isError && !weak && (
          <p className="banner error" role="alert">
            {reasonOf(set.error)}
          </p>
        )}
        <button type="submit" className="button primary wide" disabled={set.isPending || !isLongEnough(password, info.password_length_min)}>
          {set.isPending ? 'Setting…' : 'Set the password'}
        </button>
      </form>
    </SignInFrame>
  )
}
