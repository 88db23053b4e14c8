/** Choose any field, or type a path that no list knows. */
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useEffect, useId, useState } from 'react'
import { api } from '../api/client'
import { fieldLabel, fieldRank } from './columns'

interface FieldPickerProps {
  label: string
  taken: readonly string[]
  onPick: (field: string) => void
}

export function FieldPicker({ label, taken, onPick }: FieldPickerProps) {
  const [open, setOpen] = useState(false)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="link-button field-picker-button">
        <Plus size={13} aria-hidden /> {label}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover field-popover" align="start" sideOffset={6} collisionPadding={8} aria-label={label}>
          <FieldList
            label={label}
            taken={taken}
            onPick={(field) => {
              setOpen(false)
              onPick(field)
            }}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

export function FieldList({ label, taken, onPick }: FieldPickerProps) {
  const [typed, setTyped] = useState('')
  const [active, setActive] = useState(0)
  const id = useId()
  const fields = useQuery({ queryKey: ['fields'], queryFn: ({ signal }) => api.fields('', signal), staleTime: 60_000 })
  const lower = typed.trim().toLowerCase()
  const found = (fields.data ?? [])
    .map((field) => field.name)
    .filter((name) => !taken.includes(name) && `${name} ${fieldLabel(name)}`.toLowerCase().includes(lower))
    .sort((a, b) => fieldRank(a) - fieldRank(b))
    .slice(0, 60)
  const path = typed.trim()
  if (path !== '' && !/[\s:()"]/.test(path) && !found.includes(path) && !taken.includes(path)) found.push(path)
  const index = Math.min(active, found.length - 1)
  useEffect(() => {
    document.getElementById(`${id}-${index}`)?.scrollIntoView({ block: 'nearest' })
  }, [id, index])
  return (
    <>
      <input
        className="field-input"
        role="combobox"
        aria-label={`${label}: field or path`}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={index >= 0 ? `${id}-${index}` : undefined}
        placeholder="Field or path"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          setActive(0)
        }}
        onKeyDown={(event) => {
          const chosen = found[index]
          if (event.key === 'ArrowDown') setActive((index + 1) % found.length)
          else if (event.key === 'ArrowUp') setActive((index - 1 + found.length) % found.length)
          else if (event.key === 'Enter' && chosen !== undefined) onPick(chosen)
          else return
          event.preventDefault()
        }}
      />
      <ul className="field-list" id={id} role="listbox" aria-label="Fields">
        {found.map((name, at) => (
          <li
            key={name}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === index}
            onClick={() => onPick(name)}
          >
            <span className="mono">{name}</span>
            {fieldLabel(name) !== name && <span className="muted small">{fieldLabel(name)}</span>}
          </li>
        ))}
      </ul>
      {fields.isError && <p className="field-error">{fields.error.message}</p>}
    </>
  )
}
