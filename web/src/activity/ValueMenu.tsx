/** One menu for every value on the page; it opens where it is asked for. */
import { Link } from '@tanstack/react-router'
import { Columns3, Copy, Filter, FilterX, Lightbulb, Target } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useSigned } from '../session/me'
import { copyText } from '../ui/notice'
import type { FilterMode } from '../query/terms'
import { insightsAbout } from './about'
import { fieldLabel } from './columns'
import { shorten } from './event'

export interface AskedValue {
  anchor: HTMLElement
  field: string
  value: string
}

interface ValueMenuProps {
  asked: AskedValue
  onClose: () => void
  onFilter: (field: string, value: string, mode: FilterMode) => void
  onAddColumn: (field: string) => void
}

export function ValueMenu({ asked, onClose, onFilter, onAddColumn }: ValueMenuProps) {
  const { anchor, field, value } = asked
  const { rights } = useSigned()
  const about = rights.seesAllEvents ? insightsAbout(field, value) : undefined
  const place = anchor.getBoundingClientRect()
  return (
    <DropdownMenu.Root
      open
      modal={false}
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <DropdownMenu.Trigger asChild>
        <span className="menu-anchor" aria-hidden style={{ left: place.left, top: place.top, width: place.width, height: place.height }} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label={`${fieldLabel(field)}: ${shorten(value, 60)}`}
          onCloseAutoFocus={(event) => {
            event.preventDefault()
            anchor.focus()
          }}
        >
          <DropdownMenu.Label className="menu-label">
            <span>{field}</span>
            <strong className="mono">{shorten(value, 44)}</strong>
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item className="menu-item" onSelect={() => onFilter(field, value, 'in')}>
            <Filter size={14} aria-hidden /> Filter in
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => onFilter(field, value, 'out')}>
            <FilterX size={14} aria-hidden /> Filter out
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => onFilter(field, value, 'only')}>
            <Target size={14} aria-hidden /> Only this, drop other filters
          </DropdownMenu.Item>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item className="menu-item" onSelect={() => void copyText(value, 'Value')}>
            <Copy size={14} aria-hidden /> Copy value
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => onAddColumn(field)}>
            <Columns3 size={14} aria-hidden /> Add as column
          </DropdownMenu.Item>
          {about && (
            <DropdownMenu.Item className="menu-item" asChild>
              <Link to="/insights" search={about} preload={false}>
                <Lightbulb size={14} aria-hidden /> Insights about this
              </Link>
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
