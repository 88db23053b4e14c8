/** Keys for machines: ingestion keys only write, service keys only read. A key's text is shown once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Copy, KeyRound, Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { ago, clock, hoverTime } from '../activity/time'
import { api } from '../api/client'
import type { Key } from '../api/shapes'
import { Dialog } from '../ui/Dialog'
import { useDelayed } from '../ui/hooks'
import { copyText, notify } from '../ui/notice'
import { usePrefs } from '../ui/prefs'
import { Trouble } from '../ui/Trouble'

const KINDS = {
  ingestion: { label: 'Ingestion key', what: 'sends events, reads nothing' },
  service: { label: 'Service key', what: 'searches and exports, sends nothing' },
} as const

export function KeysPage() {
  const [creating, setCreating] = useState(false)
  const [revoking, setRevoking] = useState<Key | undefined>()
  const keys = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => api.keys(signal) })
  const waiting = useDelayed(keys.isPending)
  return (
    <div className="page">
      <header className="page-head with-action">
        <div>
          <h1>Keys</h1>
          <p className="muted">For services and scripts. Only a hash is stored, so a key’s text is shown once, when it is made.</p>
        </div>
        <button type="button" className="button primary" onClick={() => setCreating(true)}>
          <Plus size={14} aria-hidden /> Create key
        </button>
      </header>
      {keys.isError ? (
        <Trouble error={keys.error} onRetry={() => void keys.refetch()} />
      ) : keys.isPending ? (
        waiting && <div className="table-skeleton" aria-hidden />
      ) : keys.data.length === 0 ? (
        <div className="state">
          <KeyRound size={28} aria-hidden />
          <h2>No keys yet</h2>
          <p>Make an ingestion key to send events with one line of curl.</p>
        </div>
      ) : (
        <table className="page-table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Kind</th>
              <th scope="col">Key</th>
              <th scope="col">Created</th>
              <th scope="col">Last used</th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.data.map((key) => (
              <tr key={key.id} className={key.revoked_at === null ? '' : 'revoked'}>
                <th scope="row" data-label="Name">
                  {key.name}
                </th>
                <td data-label="Kind">{key.kind === 'ingestion' ? KINDS.ingestion.label : key.kind === 'service' ? KINDS.service.label : key.kind}</td>
                <td data-label="Key" className="mono">
                  {key.masked}
                </td>
                <td data-label="Created">
                  <When iso={key.created_at} />
                </td>
                <td data-label="Last used">{key.last_used_at === null ? <span className="muted">never</span> : <When iso={key.last_used_at} />}</td>
                <td className="row-action">
                  {key.revoked_at === null ? (
                    <button type="button" className="button small danger" aria-label={`Revoke ${key.name}`} onClick={() => setRevoking(key)}>
                      Revoke
                    </button>
                  ) : (
                    <span className="tag" title={hoverTime(key.revoked_at)}>
                      revoked {ago(key.revoked_at)}
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {creating && <CreateKey onClose={() => setCreating(false)} />}
      {revoking && <RevokeKey target={revoking} onClose={() => setRevoking(undefined)} />}
    </div>
  )
}

function When({ iso }: { iso: string }) {
  const { zone } = usePrefs()
  const { day, time } = clock(iso, zone, false)
  return (
    <time dateTime={iso} title={hoverTime(iso)}>
      {day} {time.slice(0, 5)} <span className="muted small">{ago(iso)}</span>
    </time>
  )
}

function CreateKey({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<'ingestion' | 'service'>('ingestion')
  const [name, setName] = useState('')
  const id = useId()
  const client = useQueryClient()
  const create = useMutation({
    mutationFn: () => api.createKey(kind, name.trim()),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  if (create.data) {
    const { key } = create.data
    const origin = window.location.origin
    const command =
      kind === 'ingestion'
        ? `curl -sS ${origin}/api/v1/events \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/x-ndjson" \\\n  --data-binary @events.ndjson`
        : `curl -sS "${origin}/api/v1/export?from=24h&format=ndjson" \\\n  -H "Authorization: Bearer ${key}"`
    return (
      <Dialog title={`${KINDS[kind].label} “${create.data.name}”`} onClose={onClose}>
        <p className="banner">Copy it now: it is not shown again.</p>
        <div className="key-once">
          <code data-testid="new-key">{key}</code>
          <button type="button" className="button primary" onClick={() => void copyText(key, 'Key')}>
            <Copy size={14} aria-hidden /> Copy key
          </button>
        </div>
        <h3>{kind === 'ingestion' ? 'Send events with it' : 'Take events out with it'}</h3>
        <div className="command">
          <pre className="mono" tabIndex={0} role="region" aria-label="Command">
            {command}
          </pre>
          <button type="button" className="button" onClick={() => void copyText(command, 'Command')}>
            <Copy size={14} aria-hidden /> Copy
          </button>
        </div>
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title="Create key" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} value={name} maxLength={64} required autoComplete="off" placeholder="what it is for: kubernetes audit webhook" onChange={(event) => setName(event.target.value)} />
        <fieldset className="radio-list">
          <legend>Kind</legend>
          {(['ingestion', 'service'] as const).map((option) => (
            <label key={option}>
              <input type="radio" name="kind" checked={kind === option} onChange={() => setKind(option)} />
              <span>
                <strong>{KINDS[option].label}</strong>
                <span className="muted small">{KINDS[option].what}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {create.isError && (
          <p className="banner error" role="alert">
            {create.error.message}
          </p>
        )}
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || create.isPending}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function RevokeKey({ target, onClose }: { target: Key; onClose: () => void }) {
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => api.revokeKey(target.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['keys'] })
      notify(`Key “${target.name}” is revoked`)
      onClose()
    },
  })
  return (
    <Dialog title={`Revoke “${target.name}”?`} onClose={onClose}>
      <p>
        Whatever uses <code>{target.masked}</code> is refused from now on. This cannot be undone; a new key takes its place.
      </p>
      {revoke.isError && (
        <p className="banner error" role="alert">
          {revoke.error.message}
        </p>
      )}
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" className="button danger solid" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
          Revoke
        </button>
      </div>
    </Dialog>
  )
}
