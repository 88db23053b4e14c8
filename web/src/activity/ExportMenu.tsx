/** Download of every matching event, not only those on screen; the exact number stands before. */
import { useQuery } from '@tanstack/react-query'
import { ChevronDown, Download } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useState } from 'react'
import { api, exportAddress } from '../api/client'
import type { ExportFormat, Filter } from '../api/shapes'
import { events } from '../ui/number'
import type { ChosenColumn } from './columns'

interface ExportMenuProps {
  filter: Filter
  order: 'asc' | 'desc'
  columns: ChosenColumn[]
  /** Times of the newest events that are known of. */
  newest: (string | null | undefined)[]
}

export function ExportMenu(props: ExportMenuProps) {
  const [open, setOpen] = useState(false)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="button quiet">
        <Download size={14} aria-hidden /> <span className="export-word">Export</span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover export-popover" align="end" sideOffset={6} collisionPadding={8} aria-label="Export">
          <ExportChoice {...props} onDone={() => setOpen(false)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

const choices: [ExportFormat, string, string][] = [
  ['ndjson', 'NDJSON', 'one event a line, whole, with the text as received'],
  ['csv', 'CSV', 'the table’s columns:'],
  ['cadf', 'CADF', 'strict CADF 1.0, for programs that read the standard'],
  ['ibm-at', 'Activity Tracker', 'the Activity Tracker profile of CADF']
]

function ExportChoice({ filter, order, columns, newest, onDone }: ExportMenuProps & { onDone: () => void }) {
  const [format, setFormat] = useState<ExportFormat>('ndjson')
  // An open range moves on; what was counted is what is taken. Senders' clocks may be ahead of this one.
  const [until] = useState(() => filter.to ?? new Date(Math.max(Date.now(), ...newest.map((time) => Date.parse(time ?? '') + 1 || 0))).toISOString())
  const whole = { ...filter, to: until }
  const total = useQuery({ queryKey: ['count', whole], queryFn: ({ signal }) => api.count(whole, signal), gcTime: 0, staleTime: 0 })
  const fields = columns.flatMap((column) => column.fields).filter((field, at, all) => all.indexOf(field) === at)
  return (
    <div className="export">
      <h3>Export all matching events</h3>
      <p className="export-count" role="status">
        {total.isPending ? 'Counting…' : total.isError ? `The count failed: ${total.error.message}` : <strong>{events(total.data)}</strong>}
      </p>
      <fieldset className="radio-list">
        <legend className="visually-hidden">Format</legend>
        {choices.map(([name, title, about]) => (
          <label key={name}>
            <input type="radio" name="format" checked={format === name} onChange={() => setFormat(name)} />
            <span>
              <strong>{title}</strong>
              <span className="muted small">{name === 'csv' ? `${about} ${fields.join(', ')}` : about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <a className="button primary" href={exportAddress({ ...whole, format, order, ...(format === 'csv' ? { columns: fields.join(',') } : {}) })} download onClick={onDone}>
        <Download size={14} aria-hidden /> Download {total.data !== undefined && events(total.data)}
      </a>
      <p className="muted small">Streamed while it is read, so that even millions of rows come whole.</p>
    </div>
  )
}
