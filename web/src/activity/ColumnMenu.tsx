/** Which columns, in which order. */
import { ArrowDown, ArrowUp, ChevronDown, Columns3, X } from 'lucide-react'
import { Popover } from 'radix-ui'
import { setPref, usePrefs } from '../ui/prefs'
import { FieldList } from './FieldPicker'
import { columnNamed, moved, parseColumns, presetColumns, type ChosenColumn } from './columns'

export function ColumnMenu({ columns, onColumns }: { columns: ChosenColumn[]; onColumns: (columns: ChosenColumn[]) => void }) {
  const { density } = usePrefs()
  const add = (name: string): void => onColumns([...columns, { ...columnNamed(name), fixed: false }])
  const left = presetColumns.filter((preset) => !columns.some((column) => column.name === preset.name))
  return (
    <Popover.Root>
      <Popover.Trigger className="button quiet">
        <Columns3 size={14} aria-hidden /> Columns <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover column-popover" align="end" sideOffset={6} collisionPadding={8} aria-label="Columns">
          <h3>Columns</h3>
          <ol className="column-list">
            {columns.map((column, at) => (
              <li key={column.name}>
                <span>
                  {column.label} {column.label !== column.fields[0] && <span className="muted small mono">{column.fields[0]}</span>}
                </span>
                <button type="button" className="icon-button small" aria-label={`Move ${column.label} forward`} disabled={at === 0} onClick={() => onColumns(moved(columns, at, at - 1))}>
                  <ArrowUp size={13} aria-hidden />
                </button>
                <button type="button" className="icon-button small" aria-label={`Move ${column.label} back`} disabled={at === columns.length - 1} onClick={() => onColumns(moved(columns, at, at + 1))}>
                  <ArrowDown size={13} aria-hidden />
                </button>
                <button type="button" className="icon-button small" aria-label={`Remove column ${column.label}`} disabled={columns.length === 1} onClick={() => onColumns(columns.filter((other) => other !== column))}>
                  <X size={13} aria-hidden />
                </button>
              </li>
            ))}
          </ol>
          {left.length > 0 && (
            <div className="column-presets">
              {left.map((preset) => (
                <button key={preset.name} type="button" className="button small" onClick={() => add(preset.name)}>
                  + {preset.label}
                </button>
              ))}
            </div>
          )}
          <h3>Any field or path</h3>
          <FieldList label="Add column" taken={columns.map((column) => column.name)} onPick={add} />
          <div className="column-foot">
            <div className="segmented" role="group" aria-label="Row height">
              {(['compact', 'comfortable'] as const).map((name) => (
                <button key={name} type="button" aria-pressed={density === name} onClick={() => setPref('density', name)}>
                  {name === 'compact' ? 'Compact' : 'Comfortable'}
                </button>
              ))}
            </div>
            <button type="button" className="link-button" onClick={() => onColumns(parseColumns(undefined))}>
              Reset
            </button>
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
