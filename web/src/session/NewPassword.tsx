import { PasswordField } from './PasswordField'

interface NewPasswordProps {
  id: string
  label?: string
  lengthMin: number
  value: string
  onChange: (value: string) => void
  error?: string | undefined
  autoFocus?: boolean
}

/** A new password, with how long it is and how long it must be. Length is the only rule a person must know. */
export function NewPassword({ id, label = 'New password', lengthMin, value, onChange, error, autoFocus }: NewPasswordProps) {
  const length = lengthOf(value)
  const isEnough = length >= lengthMin
  return (
    <PasswordField
      id={id}
      label={label}
      autoComplete="new-password"
      value={value}
      onChange={onChange}
      error={error}
      autoFocus={autoFocus}
      data-focus={autoFocus === true ? true : undefined}
      hint={
        <span className={`length-hint${isEnough ? ' enough' : ''}`}>
          <span className="length-meter" aria-hidden>
            <i style={{ inlineSize: `${Math.min(100, (length / lengthMin) * 100)}%` }} />
          </span>
          {length === 0 ? `At least ${lengthMin} characters. A few words in a row are good.` : isEnough ? `${length} characters: long enough` : `${length} of at least ${lengthMin} characters`}
        </span>
      }
    />
  )
}

/** As the server counts: code points, not what takes one place on the screen. */
const lengthOf = (password: string): number => Array.from(password).length

export const isLongEnough = (password: string, lengthMin: number): boolean => lengthOf(password) >= lengthMin
