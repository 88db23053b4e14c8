import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { isMask } from './channelForm'

interface SecretFieldProps {
  id?: string
  label?: string
  value: string
  placeholder: string
  /** The id of what says more. */
  describedBy?: string
  onChange: (value: string) => void
}

/** A secret that is only ever written: one that is kept shows its mask until another takes its place. */
export function SecretField({ id, label, value, placeholder, describedBy, onChange }: SecretFieldProps) {
  const [isEntered, setIsEntered] = useState(false)
  if (isMask(value)) {
    return (
      <span className="secret-kept">
        <KeyRound size={13} aria-hidden />
        <code>{value}</code>
        <span className="muted small">kept</span>
        <span className="spring" />
        <button type="button" className="link-button" aria-label={`Enter another: ${label ?? 'secret'}`} onClick={() => {
            // The field takes the button's place, and its focus.
            setIsEntered(true)
            onChange('')
          }}>
          Enter another
        </button>
      </span>
    )
  }
  return <input id={id} aria-label={label} aria-describedby={describedBy} autoFocus={isEntered} type="text" className="field-input mono" autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder={placeholder} value={value} onChange={(event) => onChange(event.target.value)} />
}
