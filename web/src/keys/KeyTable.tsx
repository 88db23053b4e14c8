/** Keys in a table: what each is, what limits it, when and from where it was used, until when it works. */
import { Ellipsis } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import { ago, hoverTime } from '../activity/time'
import type { Key } from '../api/shapes'
import { useNow } from '../ui/hooks'
import { When } from '../ui/When'
import { EditKey, RevokeKey, RotateKey, type KeyDeeds } from './KeyDialogs'
import { expiresSoon, KINDS } from './kinds'
import { ScopeWords } from './ScopeFields'

interface KeyTableProps {
  keys: Key[]
  /** Nothing where the person may only look. */
  deeds: KeyDeeds | undefined
  showKind: boolean
}

type Asked = { what: 'edit' | 'rotate' | 'revoke'; target: Key }

export function KeyTable({ keys, deeds, showKind }: KeyTableProps) {
  const [asked, setAsked] = useState<Asked | undefined>()
  const close = (): void => setAsked(undefined)
  return (
    <>
      <table className="page-table key-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            {showKind && <th scope="col">Kind</th>}
            <th scope="col">Limits</th>
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            <th scope="col">Expires</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id} className={key.revoked_at === null ? '' : 'gone'}>
              <th scope="row" data-label="Name">
                <span className="stacked">
                  <span className="row-name">{key.name}</span>
                  <span className="mono muted small">{key.masked}</span>
                </span>
              </th>
              {showKind && <td data-label="Kind">{KINDS[key.kind].label}</td>}
              <td data-label="Limits">
                <span className="stacked">
                  {key.permissions === undefined || Object.keys(key.scope).length > 0 ? <ScopeWords scope={key.scope} /> : null}
                  {key.permissions !== undefined && (
                    <span className="scope-words">
                      <span>
                        <span className="muted">only</span> <span className="mono">{key.permissions.join(', ')}</span>
                      </span>
                    </span>
                  )}
                </span>
              </td>
              <td data-label="Created">
                <span className="stacked">
                  <When iso={key.created_at} />
                  {key.created_by !== null && key.kind !== 'personal' && <span className="muted small">by {key.created_by}</span>}
                </span>
              </td>
              <td data-label="Last used">
                <span className="stacked">
                  <When iso={key.last_used_at} />
                  {key.last_used_from !== null && <span className="mono muted small">{key.last_used_from}</span>}
                </span>
              </td>
              <td data-label="Expires">
                <Expiry target={key} />
              </td>
              <td className="row-action">
                {key.revoked_at !== null ? (
                  <span className="tag" title={hoverTime(key.revoked_at)}>
                    revoked {ago(key.revoked_at)}
                  </span>
                ) : (
                  deeds && (
                    <span className="row-buttons">
                      <button type="button" className="button small" aria-label={`Rotate ${key.name}`} onClick={() => setAsked({ what: 'rotate', target: key })}>
                        Rotate
                      </button>
                      <button type="button" className="button small danger" aria-label={`Revoke ${key.name}`} onClick={() => setAsked({ what: 'revoke', target: key })}>
                        Revoke
                      </button>
                      <DropdownMenu.Root modal={false}>
                        <DropdownMenu.Trigger className="icon-button small" aria-label={`More for ${key.name}`}>
                          <Ellipsis size={15} aria-hidden />
                        </DropdownMenu.Trigger>
                        <DropdownMenu.Portal>
                          <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
                            <DropdownMenu.Item className="menu-item" onSelect={() => setAsked({ what: 'edit', target: key })}>
                              Change name, limits or expiry
                            </DropdownMenu.Item>
                          </DropdownMenu.Content>
                        </DropdownMenu.Portal>
                      </DropdownMenu.Root>
                    </span>
                  )
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {deeds && asked?.what === 'revoke' && <RevokeKey target={asked.target} deeds={deeds} onClose={close} />}
      {deeds && asked?.what === 'rotate' && <RotateKey target={asked.target} deeds={deeds} onClose={close} />}
      {deeds && asked?.what === 'edit' && <EditKey target={asked.target} deeds={deeds} onClose={close} />}
    </>
  )
}

function Expiry({ target }: { target: Key }) {
  const now = useNow()
  if (target.expires_at === null) return <span className="muted">never</span>
  const isOver = Date.parse(target.expires_at) <= now
  return (
    <span className="stacked">
      <When iso={target.expires_at} />
      {isOver ? <span className="tag">expired</span> : expiresSoon(target.expires_at, now) && target.revoked_at === null && <span className="tag tag-warn">soon</span>}
      {target.successor_of !== null && <span className="muted small">took the place of another</span>}
    </span>
  )
}
