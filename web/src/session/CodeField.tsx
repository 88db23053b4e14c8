/** Six digits of an authenticator app. Pasted text loses what is no digit. */
export const CODE_DIGITS = 6

interface CodeFieldProps {
  id: string
  label: string
  value: string
  onChange: (value: string) => void
  /** Called when the sixth digit is there. */
  onWhole?: (code: string) => void
  error?: string | undefined
  autoFocus?: boolean
}

export function CodeField({ id, label, value, onChange, onWhole, error, autoFocus }: CodeFieldProps) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        className="field-input code-input mono"
        inputMode="numeric"
        autoComplete="one-time-code"
        spellCheck={false}
        autoFocus={autoFocus}
        data-focus={autoFocus === true ? true : undefined}
        placeholder="000000"
        value={value}
        onChange={(event) => {
          const digits = event.target.value.replace(/\D/g, '').slice(0, CODE_DIGITS)
          onChange(digits)
          if (digits.length === CODE_DIGITS && digits !== value) onWhole?.(digits)
        }}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
      />
      {error !== undefined && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  )
}
