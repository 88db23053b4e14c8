import { Copy } from 'lucide-react'
import { copyText } from './notice'

/** A secret that is shown this once. */
export function Once({ text, what, testId }: { text: string; what: string; testId?: string }) {
  return (
    <div className="key-once">
      <code data-testid={testId}>{text}</code>
      <button type="button" className="button primary" onClick={() => void copyText(text, what)}>
        <Copy size={14} aria-hidden /> Copy {what.toLowerCase()}
      </button>
    </div>
  )
}
