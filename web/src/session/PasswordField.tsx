/** A password that can be shown while it is typed. */
import { Eye, EyeOff } from 'lucide-react'
import { useState, type ReactNode } from 'react'

interface PasswordFieldProps {
  id: string
  label: string
  autoComplete: 'current-password' | 'new-password'
  value: string
  onChange: (value: string) => void
  error?: string | undefined
  /** What stands under it while nothing is wrong. */
  hint?: ReactNode
  autoFocus?: boolean
}

export function PasswordField({ id, label, autoComplete, value, onChange, error, hint, autoFocus }: PasswordFieldProps) {
  const [isShown, setIsShown] = useState(false)
  const Icon = isShown ? EyeOff : Eye
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="password-box">
        <input
          id={id}
          type={isShown ? 'text' : 'password'}
          className="field-input"
          name={autoComplete}
          autoComplete={autoComplete}
          autoCapitalize="off"
          spellCheck={false}
          required
          autoFocus={autoFocus}
          data-focus={autoFocus === true ? true : undefined}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          aria-invalid={error !== undefined}
          aria-describedby={error !== undefined || hint !== undefined ? `${id}-note` : undefined}
        />
        <button type="button" className="icon-button" aria-label={isShown ? 'Hide the password' : 'Show the password'} aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
          <Icon size={16} aria-hidden />
        </button>
      </div>
      {(error !== undefined || hint !== undefined) && (
        <div id={`${id}-note`} className={error === undefined ? 'field-hint' : 'field-error'} role={error === undefined ? undefined : 'alert'}>
          {error ?? hint}
        </div>
      )}
    </div>
  )
}
