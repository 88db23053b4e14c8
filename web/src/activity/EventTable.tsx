/**
 * The events in rows, of which only those in sight exist. A grid to screen readers: one row is in the
 * tab order, arrows and j/k move, Enter opens, → goes into the row's values.
 */
import { createColumnHelper, getCoreRowModel, useReactTable, type ColumnSizingState, type Header } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { memo, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState, type DragEvent, type KeyboardEvent, type MouseEvent, type Ref } from 'react'
import type { AuditEvent } from '../api/shapes'
import { usePhone } from '../ui/media'
import { Middle } from '../ui/Middle'
import { count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { Result } from '../ui/Result'
import { deedText } from '../audit/deeds'
import { useActions } from './actions'
import { clampWidth, moved, type ChosenColumn } from './columns'
import { resultOf, sentenceOf, shorten, valueAt, visible } from './event'
import { clock, fullTime, hoverTime, zoneName, type Zone } from './time'

const ROW_HEIGHT = { compact: 28, comfortable: 36, phone: 82 }
const LOAD_AHEAD_ROWS = 40
const SCROLLED_PX = 24
const KIND_MAX = 16
/** A day with its year needs the room of the parts of a second. */
const DAY_LENGTH = 7

export interface EventTableHandle {
  move: (by: number) => void
  open: () => void
  focus: () => void
  top: () => void
}

interface EventTableProps {
  ref: Ref<EventTableHandle>
  rows: AuditEvent[]
  /** All matching events, loaded or not. */
  total: number | undefined
  columns: ChosenColumn[]
  onColumns: (columns: ChosenColumn[]) => void
  order: 'asc' | 'desc'
  onOrder: () => void
  /** Record id of the event in the drawer. */
  opened: string | undefined
  onOpen: (event: AuditEvent) => void
  hasMore: boolean
  loadingMore: boolean
  onMore: () => void
  stale: boolean
  onScrolled: (away: boolean) => void
}

const NO_ROWS: AuditEvent[] = []
const helper = createColumnHelper<AuditEvent>()

export function EventTable(props: EventTableProps) {
  const { ref, rows, total, columns, onColumns, order, onOrder, opened, onOpen, hasMore, loadingMore, onMore, stale, onScrolled } = props
  const { zone, density } = usePrefs()
  const phone = usePhone()
  const { valueMenu } = useActions()
  const scroller = useRef<HTMLDivElement>(null)
  const body = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState<string | undefined>()
  const rowHeight = phone ? ROW_HEIGHT.phone : ROW_HEIGHT[density]

  // ---- columns: TanStack Table keeps sizes while a border is dragged; the address gets them at the end.
  const [sizing, setSizing] = useState<ColumnSizingState>({})
  const definitions = useMemo(
    () => columns.map((column) => helper.display({ id: column.name, header: column.label, size: column.width, minSize: 64, maxSize: 900 })),
    [columns],
  )
  const table = useReactTable({
    // Only the headers are the table's; rows are drawn from the list itself, so none are modelled here.
    data: NO_ROWS,
    columns: definitions,
    getCoreRowModel: getCoreRowModel(),
    columnResizeMode: 'onChange',
    state: { columnSizing: sizing, columnOrder: columns.map((column) => column.name) },
    onColumnSizingChange: setSizing,
  })
  const resizing = table.getState().columnSizingInfo.isResizingColumn
  const wasResizing = useRef<string | false>(false)
  useEffect(() => {
    const ended = wasResizing.current
    wasResizing.current = resizing
    if (!ended || resizing) return
    const width = sizing[ended]
    if (width !== undefined) onColumns(columns.map((column) => (column.name === ended ? { ...column, width: clampWidth(width), fixed: true } : column)))
    setSizing({})
  }, [resizing, sizing, columns, onColumns])

  const template = columns
    .map((column) => {
      const width = sizing[column.name] ?? column.width
      return column.fixed || column.name in sizing || column.grow === 0 ? `${width}px` : `minmax(${Math.round(width * 0.47)}px, ${column.grow}fr)`
    })
    .join(' ')

  // ---- rows in sight
  const [margin, setMargin] = useState(0)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => (phone ? (scroller.current?.closest<HTMLElement>('.results') ?? null) : scroller.current),
    // Both stay the same from render to render: the list measures all rows anew when they change.
    estimateSize: useCallback(() => rowHeight, [rowHeight]),
    getItemKey: useCallback((index: number) => rows[index]?.record.id ?? index, [rows]),
    overscan: 12,
    scrollMargin: phone ? margin : 0,
  })
  useLayoutEffect(() => virtual.measure(), [virtual, rowHeight])
  useLayoutEffect(() => {
    const outer = body.current?.closest<HTMLElement>('.results')
    if (!phone || !body.current || !outer) return
    const measure = (): void => setMargin(Math.round((body.current?.getBoundingClientRect().top ?? 0) - outer.getBoundingClientRect().top + outer.scrollTop))
    measure()
    const observer = new ResizeObserver(measure)
    for (const child of outer.children) observer.observe(child)
    return () => observer.disconnect()
  }, [phone])
  const items = virtual.getVirtualItems()
  const lastSeen = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !loadingMore && lastSeen >= rows.length - LOAD_AHEAD_ROWS) onMore()
  }, [hasMore, loadingMore, lastSeen, rows.length, onMore])

  // Taken from the list, which has read it already: asking the element would lay the page out twice.
  const away = (virtual.scrollOffset ?? 0) > SCROLLED_PX + (phone ? margin : 0)
  useEffect(() => onScrolled(away), [away, onScrolled])

  // ---- moving by keyboard
  const wanted = useRef<number | undefined>(undefined)
  const focusWanted = useCallback(() => {
    const row = wanted.current === undefined ? undefined : body.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`)
    if (!row) return
    wanted.current = undefined
    row.focus({ preventScroll: true })
  }, [])
  // A row out of sight exists only once the list has scrolled to it.
  useLayoutEffect(focusWanted)
  const focusRow = useCallback(
    (index: number) => {
      const event = rows[index]
      if (!event) return
      setActive(event.record.id)
      wanted.current = index
      virtual.scrollToIndex(index)
      focusWanted()
    },
    [rows, virtual, focusWanted],
  )
  const at = (id: string | undefined): number => (id === undefined ? -1 : rows.findIndex((event) => event.record.id === id))
  const current = opened ?? active
  const move = (by: number): void => {
    const from = at(current)
    const to = from < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, from + by))
    focusRow(to)
    const event = rows[to]
    if (opened !== undefined && event) onOpen(event)
  }
  useImperativeHandle(ref, () => ({
    move,
    open: () => {
      const event = rows[Math.max(0, at(current))]
      if (event) onOpen(event)
    },
    focus: () => focusRow(Math.max(0, at(current))),
    top: () => virtual.scrollToOffset(0),
  }))
  const onGridKey = (event: KeyboardEvent<HTMLDivElement>): void => {
    const target = event.target as HTMLElement
    const row = target.closest<HTMLElement>('[role="row"]')
    if (!row) return
    const inCell = target !== row
    const values = [...row.querySelectorAll<HTMLElement>('.cell-more')]
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / rowHeight) - 1)
    switch (event.key) {
      case 'ArrowDown':
        move(1)
        break
      case 'ArrowUp':
        move(-1)
        break
      case 'PageDown':
        move(page)
        break
      case 'PageUp':
        move(-page)
        break
      case 'Home':
        move(-rows.length)
        break
      case 'End':
        move(rows.length)
        break
      case 'ArrowRight': {
        const next = inCell ? values.indexOf(target) + 1 : 0
        values[Math.min(next, values.length - 1)]?.focus()
        break
      }
      case 'ArrowLeft': {
        if (!inCell) return
        const before = values.indexOf(target) - 1
        if (before < 0) row.focus()
        else values[before]?.focus()
        break
      }
      case 'Enter':
      case ' ': {
        if (inCell) return
        const opening = rows[Number(row.dataset.index)]
        if (opening) onOpen(opening)
        break
      }
      default:
        return
    }
    event.preventDefault()
    event.stopPropagation()
  }
  const onGridClick = (event: MouseEvent<HTMLDivElement>): void => {
    const target = event.target as HTMLElement
    const row = target.closest<HTMLElement>('[data-index]')
    const opening = rows[Number(row?.dataset.index)]
    if (!row || !opening) return
    const more = target.closest<HTMLElement>('[data-field]')
    if (more) {
      valueMenu(more, more.dataset.field ?? '', more.dataset.value ?? '')
      return
    }
    // Marking text to copy it is no click.
    if (window.getSelection()?.isCollapsed === false) return
    setActive(opening.record.id)
    onOpen(opening)
  }
  const tabRow = items.some((item) => rows[item.index]?.record.id === current) ? current : rows[items[0]?.index ?? 0]?.record.id

  return (
    <div className={`table-scroll${stale ? ' stale' : ''}`} ref={scroller}>
      <div
        className={`grid-table ${phone ? 'phone' : density}`}
        role="grid"
        aria-label="Events"
        aria-rowcount={(total ?? rows.length) + 1}
        aria-colcount={columns.length}
        aria-busy={loadingMore}
        style={{ '--columns': template } as React.CSSProperties}
        onKeyDown={onGridKey}
        onClick={onGridClick}
      >
        <div className="grid-head" role="rowgroup">
          <div className="grid-row" role="row" aria-rowindex={1}>
            {table.getFlatHeaders().map((header, index) => {
              const column = columns[index]
              return column ? <HeadCell key={column.name} header={header} column={column} index={index} columns={columns} onColumns={onColumns} order={order} onOrder={onOrder} zone={zone} /> : null
            })}
          </div>
        </div>
        <div className="grid-body" role="rowgroup" ref={body} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const event = rows[item.index]
            if (!event) return null
            return (
              <Row
                key={item.key}
                event={event}
                index={item.index}
                start={item.start - (phone ? margin : 0)}
                height={rowHeight}
                columns={columns}
                zone={zone}
                phone={phone}
                selected={event.record.id === opened}
                tabbed={event.record.id === tabRow}
              />
            )
          })}
        </div>
      </div>
      {loadingMore && <div className="more-line" aria-hidden />}
      {!hasMore && rows.length > 0 && (
        <p className="table-end muted small">
          {rows.length === total || total === undefined ? rows.length === 1 ? 'It is the only one.' : `All ${count(rows.length)} events are shown.` : 'The end of the list.'}
        </p>
      )}
    </div>
  )
}

interface HeadCellProps {
  header: Header<AuditEvent, unknown>
  column: ChosenColumn
  index: number
  columns: ChosenColumn[]
  onColumns: (columns: ChosenColumn[]) => void
  order: 'asc' | 'desc'
  onOrder: () => void
  zone: Zone
}

function HeadCell({ header, column, index, columns, onColumns, order, onOrder, zone }: HeadCellProps) {
  const [over, setOver] = useState(false)
  const sorted = column.name === 'time'
  const label = column.name === 'time' || column.name === 'recorded' ? `${column.label} (${zoneName(zone)})` : column.label
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    setOver(false)
    const from = columns.findIndex((candidate) => candidate.name === event.dataTransfer.getData('text/column'))
    if (from >= 0 && from !== index) onColumns(moved(columns, from, index))
  }
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (step === 0 || (!event.altKey && !event.shiftKey)) return
    event.preventDefault()
    event.stopPropagation()
    if (event.altKey) {
      onColumns(moved(columns, index, index + step))
      return
    }
    const width = (event.currentTarget as HTMLElement).closest('.grid-cell')?.getBoundingClientRect().width ?? column.width
    onColumns(columns.map((candidate) => (candidate === column ? { ...column, width: clampWidth(width + step * 16), fixed: true } : candidate)))
  }
  return (
    <div
      className={`grid-cell head-cell${over ? ' drop-over' : ''}`}
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={sorted ? (order === 'asc' ? 'ascending' : 'descending') : undefined}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes('text/column')) {
          event.preventDefault()
          setOver(true)
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <button
        type="button"
        className="head-button"
        draggable
        title={`${column.fields.join(', ')}\nDrag to move · Alt+← → moves · Shift+← → changes the width`}
        onDragStart={(event) => {
          event.dataTransfer.setData('text/column', column.name)
          event.dataTransfer.effectAllowed = 'move'
        }}
        onClick={sorted ? onOrder : undefined}
        onKeyDown={onKey}
      >
        {label}
        {sorted && (order === 'asc' ? <ArrowUp size={12} aria-hidden /> : <ArrowDown size={12} aria-hidden />)}
      </button>
      <span
        className={`resizer${header.column.getIsResizing() ? ' resizing' : ''}`}
        aria-hidden
        onPointerDown={(event) => {
          // Dragging starts from the width on screen, which a growing column only has there.
          const width = event.currentTarget.parentElement?.getBoundingClientRect().width
          header.getContext().table.setColumnSizing((now) => ({ ...now, [column.name]: Math.round(width ?? column.width) }))
        }}
        onMouseDown={header.getResizeHandler()}
        onTouchStart={header.getResizeHandler()}
        onDoubleClick={() => onColumns(columns.map((candidate) => (candidate === column ? { ...column, fixed: false } : candidate)))}
      />
    </div>
  )
}

interface RowProps {
  event: AuditEvent
  index: number
  start: number
  height: number
  columns: ChosenColumn[]
  zone: Zone
  phone: boolean
  selected: boolean
  tabbed: boolean
}

const Row = memo(function Row({ event, index, start, height, columns, zone, phone, selected, tabbed }: RowProps) {
  const result = resultOf(event)
  return (
    <div
      className={`grid-row body-row row-${result}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-index={index}
      tabIndex={tabbed ? 0 : -1}
      style={{ transform: `translateY(${start}px)`, height }}
    >
      {phone ? (
        <div className="phone-cell" role="gridcell">
          <span className="phone-line">
            <span className="phone-sentence">{visible(sentenceOf(event))}</span>
          </span>
          <span className="phone-line phone-second">
            <TimeText iso={event.eventTime} zone={zone} />
            <Result result={result} code={valueAt(event, 'reason.reasonCode')} />
          </span>
        </div>
      ) : (
        columns.map((column, at) => <Cell key={column.name} event={event} column={column} at={at} zone={zone} />)
      )}
    </div>
  )
})

function TimeText({ iso, zone }: { iso: string; zone: Zone }) {
  const { day, time } = clock(iso, zone)
  return (
    <time
      dateTime={iso}
      className="time-text"
      onPointerEnter={(event) => {
        // Three formats of a time are too dear to make for rows that are only scrolled past.
        event.currentTarget.title = hoverTime(iso)
      }}
    >
      <span className="time-day">{day}</span> {day.length > DAY_LENGTH ? time.slice(0, 8) : time}
    </time>
  )
}

function Cell({ event, column, at, zone }: { event: AuditEvent; column: ChosenColumn; at: number; zone: Zone }) {
  const field = column.fields.find((candidate) => valueAt(event, candidate) !== undefined) ?? column.fields[0] ?? ''
  const value = valueAt(event, field)
  const asTime = column.name === 'time' || column.name === 'recorded'
  return (
    <div className={`grid-cell cell-${at === 0 ? 'first' : 'other'}`} role="gridcell" aria-colindex={at + 1}>
      {asTime && value !== undefined ? <TimeText iso={value} zone={zone} /> : <CellText event={event} column={column} value={value} />}
      {value !== undefined && !asTime && column.name !== 'sentence' && (
        <button type="button" tabIndex={-1} className="cell-more" data-field={field} data-value={value} aria-label={`Filter or copy ${column.label}: ${shorten(value, 60)}`} />
      )}
    </div>
  )
}

/** The last parts of a target's kind: its service stands in the action, and the name needs the room. */
function shortKind(kind: string): string {
  const parts = kind.split('/')
  let from = 0
  while (from < parts.length - 1 && parts.slice(from).join('/').length > KIND_MAX) from += 1
  return `${from > 0 ? '…/' : ''}${parts.slice(from).join('/')}`
}

function CellText({ event, column, value }: { event: AuditEvent; column: ChosenColumn; value: string | undefined }) {
  switch (column.name) {
    case 'result':
      return <Result result={resultOf(event)} code={valueAt(event, 'reason.reasonCode')} />
    case 'sentence':
      return (
        <span className="cell-text" title={sentenceOf(event)}>
          {visible(sentenceOf(event))}
        </span>
      )
    case 'deed':
      return (
        <span className="cell-text" title={event.action}>
          {visible(deedText(event.action, event.outcome === 'failure'))}
        </span>
      )
    case 'target': {
      const kind = event.target?.typeURI ?? ''
      const name = event.target?.name ?? event.target?.id ?? ''
      return (
        <span className="cell-text cell-target" title={`${kind} ${name}`}>
          {kind !== '' && <span className="cell-kind" style={{ '--name': name.length } as React.CSSProperties}>{shortKind(kind)}</span>}{' '}
          <span>
            <Middle text={shorten(name, 60)} />
          </span>
        </span>
      )
    }
    default:
      if (value === undefined) return <span className="cell-none">–</span>
      return (
        <span className={`cell-text${column.name === 'who' ? ' cell-who' : ' mono'}`} title={/^\d{4}-\d\d-\d\dT/.test(value) ? fullTime(value, 'utc') : value}>
          <Middle text={shorten(value, 80)} />
        </span>
      )
  }
}
