/** Recovery codes, shown this once: to copy, to save, and to say that they are kept. */
import { Copy, Download } from 'lucide-react'
import { useState } from 'react'
import { copyText } from '../ui/notice'

interface RecoveryCodesProps {
  codes: string[]
  user: string
  onDone: () => void
}

export function RecoveryCodes({ codes, user, onDone }: RecoveryCodesProps) {
  const [isKept, setIsKept] = useState(false)
  const text = `Recovery codes of ${user} for whodid at ${window.location.origin}\nEach works once, in place of the authenticator app.\n\n${codes.join('\n')}\n`
  const save = (): void => {
    const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    const link = document.createElement('a')
    link.href = address
    link.download = 'whodid-recovery-codes.txt'
    link.click()
    URL.revokeObjectURL(address)
  }
  return (
    <div className="stack recovery">
      <p>
        Keep these codes where you find them without your phone. Each works once in place of the app. <strong>They are not shown again.</strong>
      </p>
      <ol className="recovery-codes mono" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className="button-row">
        <button type="button" className="button" onClick={() => void copyText(codes.join('\n'), 'Codes')}>
          <Copy size={14} aria-hidden /> Copy
        </button>
        <button type="button" className="button" onClick={save}>
          <Download size={14} aria-hidden /> Download as text
        </button>
      </div>
      <label className="check">
        <input type="checkbox" checked={isKept} onChange={(event) => setIsKept(event.target.checked)} />
        <span>I have kept them</span>
      </label>
      <button type="button" className="button primary wide" disabled={!isKept} onClick={onDone}>
        Done
      </button>
    </div>
  )
}
