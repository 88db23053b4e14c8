import { Ban, Check, CircleHelp, Clock, X } from 'lucide-react'
import type { Result as ResultName } from '../activity/event'

const ICONS = { success: Check, failure: X, denied: Ban, pending: Clock, unknown: CircleHelp }

/** A result as an icon and a word, so that colour is never alone. */
export function Result({ result, code }: { result: ResultName; code?: string | undefined }) {
  const Icon = ICONS[result]
  return (
    <span className={`result result-${result}`}>
      <Icon size={13} strokeWidth={2.5} aria-hidden />
      {result}
      {code !== undefined && (result === 'failure' || result === 'denied') && <span className="result-code">{code}</span>}
    </span>
  )
}
