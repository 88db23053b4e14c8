import type { Logs } from '../query/logs'

const CHOICES: readonly [Logs | undefined, string, string][] = [
  ['account', 'Account logs', 'Events of the account itself'],
  ['space', 'Space logs', 'Events of the account’s spaces'],
  [undefined, 'All I may see', 'Both'],
]

/** Which logs are searched, for who may read both kinds. */
export function LogsSwitch({ logs, onChange }: { logs: Logs | undefined; onChange: (logs: Logs | undefined) => void }) {
  return (
    <fieldset className="segmented logs-switch">
      <legend className="visually-hidden">Logs</legend>
      {CHOICES.map(([value, label, title]) => (
        <button key={label} type="button" aria-pressed={logs === value} title={title} onClick={() => onChange(value)}>
          {label}
        </button>
      ))}
    </fieldset>
  )
}
