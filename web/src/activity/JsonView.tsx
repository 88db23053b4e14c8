/** The event's JSON as a tree whose values can be filtered by, and the text exactly as received. */
import { ChevronRight, Copy } from 'lucide-react'
import { useState } from 'react'
import type { AuditEvent } from '../api/shapes'
import { copyText } from '../ui/notice'
import { useActions } from './actions'
import { parseJson, rawValue, textOf, visible } from './event'

const OPEN_DEPTH = 3
const CHILDREN_MAX = 200

export function JsonView({ event }: { event: AuditEvent }) {
  const value = rawValue(event)
  const [form, setForm] = useState<'tree' | 'text'>(value === undefined ? 'text' : 'tree')
  return (
    <>
      <div className="json-tools">
        <div className="segmented" role="group" aria-label="Form">
          <button type="button" aria-pressed={form === 'tree'} disabled={value === undefined} onClick={() => setForm('tree')}>
            Tree
          </button>
          <button type="button" aria-pressed={form === 'text'} onClick={() => setForm('text')}>
            As received
          </button>
        </div>
        <button type="button" className="button" onClick={() => void copyText(event.raw, 'Event')}>
          <Copy size={13} aria-hidden /> Copy as received
        </button>
        {value !== undefined && (
          <button type="button" className="button" onClick={() => void copyText(JSON.stringify(value, null, 2), 'JSON')}>
            Copy indented
          </button>
        )}
      </div>
      {form === 'tree' ? (
        <ul className="json mono">
          <Node name={undefined} path="" value={value} depth={0} />
        </ul>
      ) : (
        <pre className="raw mono" tabIndex={0} role="region" aria-label="Event as received">
          {event.raw}
        </pre>
      )}
    </>
  )
}

interface NodeProps {
  name: string | undefined
  path: string
  value: unknown
  depth: number
}

function Node({ name, path, value, depth }: NodeProps) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH)
  const [all, setAll] = useState(false)
  const inner = typeof value === 'string' ? embedded(value) : undefined
  const shown = inner ?? value
  if (typeof shown !== 'object' || shown === null) return <Leaf name={name} path={path} value={shown} />
  const list = Array.isArray(shown)
  const children: [string | undefined, string, unknown][] = list
    ? shown.map((item: unknown) => [undefined, path, item])
    : Object.entries(shown).map(([key, item]) => [key, path === '' ? key : `${path}.${key}`, item as unknown])
  const visible = all ? children : children.slice(0, CHILDREN_MAX)
  return (
    <li>
      <button type="button" className="json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronRight size={12} aria-hidden className={open ? 'turned' : ''} />
        {name !== undefined && <span className="json-key">{name}</span>}
        <span className="muted">
          {list ? `[${children.length}]` : `{${children.length}}`}
          {inner !== undefined && ' JSON in a string'}
        </span>
      </button>
      {open && (
        <ul>
          {visible.map(([key, at, item], index) => (
            <Node key={key ?? index} name={key ?? (list ? String(index) : undefined)} path={at} value={item} depth={depth + 1} />
          ))}
          {visible.length < children.length && (
            <li>
              <button type="button" className="link-button" onClick={() => setAll(true)}>
                Show {children.length - visible.length} more
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  )
}

function Leaf({ name, path, value }: { name: string | undefined; path: string; value: unknown }) {
  const { valueMenu } = useActions()
  const text = typeof value === 'string' ? `"${visible(value)}"` : (textOf(value) ?? 'null')
  return (
    <li className="json-leaf">
      {name !== undefined && <span className="json-key">{name}</span>}
      {value === null || value === '' ? (
        <span className="muted">{text}</span>
      ) : (
        <button type="button" className={`json-value json-${typeof value}`} aria-haspopup="menu" onClick={(event) => valueMenu(event.currentTarget, path, textOf(value) ?? '')}>
          {text}
        </button>
      )}
    </li>
  )
}

function embedded(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const value = parseJson(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
