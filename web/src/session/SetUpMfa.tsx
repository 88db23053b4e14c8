/** Setting up a second factor: scan or type the secret, confirm with a code, keep the recovery codes. */
import { useQueryClient } from '@tanstack/react-query'
import { Copy } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import { own } from '../api/own'
import { isProblem } from '../api/problem'
import { copyText } from '../ui/notice'
import { Trouble } from '../ui/Trouble'
import { useChange } from './change'
import { CODE_DIGITS, CodeField } from './CodeField'
import { QrCode } from './QrCode'
import { reasonOf } from './reasons'
import { RecoveryCodes } from './RecoveryCodes'

/** Groups of four, as people read them aloud. */
export function grouped(secret: string): string {
  return secret.replace(/\s/g, '').replace(/(.{4})(?=.)/g, '$1 ')
}

export function SetUpMfa({ user, onDone }: { user: string; onDone: () => void }) {
  const client = useQueryClient()
  const [code, setCode] = useState('')
  const id = useId()
  const begin = useChange({ mutationFn: () => own.beginTotp() })
  const confirm = useChange({ mutationFn: (given: string) => own.confirmTotp(given), onError: () => setCode('') })
  const begun = useRef(false)
  const { mutate } = begin
  useEffect(() => {
    // Each beginning makes another secret; one is enough.
    if (begun.current) return
    begun.current = true
    mutate()
  }, [mutate])

  if (confirm.data) {
    return (
      <RecoveryCodes
        codes={confirm.data}
        user={user}
        onDone={() => {
          void client.invalidateQueries({ queryKey: ['me'] })
          onDone()
        }}
      />
    )
  }
  if (begin.isError) return <Trouble error={begin.error} onRetry={() => mutate()} />
  const setUp = begin.data
  if (!setUp) return <div className="mfa-skeleton" aria-hidden />
  return (
    <form
      className="mfa"
      onSubmit={(event) => {
        event.preventDefault()
        confirm.mutate(code)
      }}
    >
      <div className="mfa-scan">
        <QrCode text={setUp.uri} label="QR code for your authenticator app" />
        <div className="stack">
          <h3>1. Scan this with an authenticator app</h3>
          <p className="muted small">Or add an account by hand, time-based with six digits, and type this secret:</p>
          <div className="mfa-secret">
            <code data-testid="totp-secret">{grouped(setUp.secret)}</code>
            <button type="button" className="icon-button" aria-label="Copy the secret" onClick={() => void copyText(setUp.secret, 'Secret')}>
              <Copy size={14} aria-hidden />
            </button>
          </div>
        </div>
      </div>
      <h3>2. Type the code that the app shows</h3>
      <CodeField
        id={`${id}-code`}
        label="Code"
        value={code}
        onChange={setCode}
        onWhole={(whole) => confirm.mutate(whole)}
        error={confirm.isError ? (isProblem(confirm.error, 'code_wrong') ? reasonOf(confirm.error) : confirm.error.message) : undefined}
      />
      <button type="submit" className="button primary wide" disabled={confirm.isPending || code.length < CODE_DIGITS}>
        {confirm.isPending ? 'Checking…' : 'Confirm'}
      </button>
    </form>
  )
}
