import { Copy } from 'lucide-react'
import { copyText } from './notice'

/** Lines for a shell, to be read and copied whole. `label`: what they are, where there are several. */
export function Command({ text, label = 'Command' }: { text: string; label?: string }) {
  return (
    <div className="command">
      <pre className="mono" tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <button type="button" className="button" aria-label={label === 'Command' ? undefined : `Copy: ${label}`} onClick={() => void copyText(text, label)}>
        <Copy size={14} aria-hidden /> Copy
      </button>
    </div>
  )
}
