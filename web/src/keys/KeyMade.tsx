/** A key just made, shown this once, with the line that uses it. */
import type { KeyCreated } from '../api/shapes'
import { Command } from '../ui/Command'
import { Dialog } from '../ui/Dialog'
import { Once } from '../ui/Once'
import { KINDS } from './kinds'

function commandOf({ kind, key }: KeyCreated): string {
  const origin = window.location.origin
  if (kind === 'ingestion') return `curl -sS ${origin}/api/v1/events \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/x-ndjson" \\\n  --data-binary @events.ndjson`
  if (kind === 'service') return `curl -sS "${origin}/api/v1/export?from=24h&format=ndjson" \\\n  -H "Authorization: Bearer ${key}"`
  return `curl -sS "${origin}/api/v1/me" \\\n  -H "Authorization: Bearer ${key}"`
}

const USES = { ingestion: 'Send events with it', service: 'Take events out with it', personal: 'Try it' } as const

export function KeyMade({ made, note, onClose }: { made: KeyCreated; note?: string | undefined; onClose: () => void }) {
  const command = commandOf(made)
  return (
    <Dialog title={`${KINDS[made.kind].label} “${made.name}”`} onClose={onClose}>
      <p className="banner">Copy it now: it is not shown again.</p>
      <Once text={made.key} what={made.kind === 'personal' ? 'Token' : 'Key'} testId="new-key" />
      {note !== undefined && <p className="muted">{note}</p>}
      <h3>{USES[made.kind]}</h3>
      <Command text={command} />
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
