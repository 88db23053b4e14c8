/** One event: the sentence first, then its fields, then the text as received, then what belongs to it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ChevronDown, ChevronUp, Copy, EllipsisVertical, Link as LinkIcon, Radar, X } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import type { AuditEvent, Related as RelatedRecord } from '../api/shapes'
import { ChangedTable } from '../audit/Changed'
import { changedRows, deltaOf } from '../audit/delta'
import { useSigned } from '../session/me'
import { useDelayed } from '../ui/hooks'
import { copyText } from '../ui/notice'
import { usePrefs } from '../ui/prefs'
import { Result } from '../ui/Result'
import { Trouble } from '../ui/Trouble'
import { useActions } from './actions'
import { fieldLabel } from './columns'
import { modelRows, permalink, rawRows, resultOf, sentenceOf, shorten, valueAt, visible, type FieldRow } from './event'
import { Profile } from './Profile'
import type { Tab } from './search'
import { ago, clock, fullTime, lengthText } from './time'

const JsonView = lazy(() => import('./JsonView').then((module) => ({ default: module.JsonView })))
const AROUND = 20
/** Fields that are read, not compared. */
const PROSE = new Set(['message', 'reason.reasonForFailure', 'initiator.host.agent'])

interface DrawerProps {
  /** Record id. */
  id: string
  /** The row it was opened from, shown until the whole event is here. */
  row: AuditEvent | undefined
  tab: Tab
  onTab: (tab: Tab) => void
  onClose: () => void
  onMove: (by: number) => void
}

export function Drawer({ id, row, tab, onTab, onClose, onMove }: DrawerProps) {
  const { zone } = usePrefs()
  const { rights } = useSigned()
  const detail = useQuery({ queryKey: ['event', id], queryFn: ({ signal }) => api.event(id, signal), staleTime: 60_000 })
  const event: AuditEvent | undefined = detail.data ?? row
  const waiting = useDelayed(!event)
  return (
    <aside className="drawer" aria-label="Event">
      <header className="drawer-head">
        <div className="drawer-tools">
          <button type="button" className="icon-button" aria-label="Previous event (k)" onClick={() => onMove(-1)}>
            <ChevronUp size={16} aria-hidden />
          </button>
          <button type="button" className="icon-button" aria-label="Next event (j)" onClick={() => onMove(1)}>
            <ChevronDown size={16} aria-hidden />
          </button>
          <code className="drawer-id">{id}</code>
          <span className="spring" />
          {event && (
            <>
              {rights.may('rules.manage') && (
                <Link to="/rules/new" search={{ action: valueAt(event, 'action') }} className="icon-button" aria-label="Make a rule for this action" title="Make a rule for this action">
                  <Radar size={15} aria-hidden />
                </Link>
              )}
              <button type="button" className="icon-button" aria-label="Copy link to this event" title="Copy link" onClick={() => void copyText(permalink(event), 'Link')}>
                <LinkIcon size={15} aria-hidden />
              </button>
              <button type="button" className="icon-button" aria-label="Copy the event as received" title="Copy as received" onClick={() => void copyText(event.raw, 'Event')}>
                <Copy size={15} aria-hidden />
              </button>
            </>
          )}
          <button type="button" className="icon-button" aria-label="Close the event (Esc)" onClick={onClose}>
            <X size={16} aria-hidden />
          </button>
        </div>
        {event && (
          <>
            <h2 className="sentence">{visible(sentenceOf(event))}</h2>
            <p className="drawer-when">
              <Result result={resultOf(event)} code={valueAt(event, 'reason.reasonCode')} />
              <time dateTime={event.eventTime} title={fullTime(event.eventTime, zone === 'utc' ? 'local' : 'utc')}>
                {fullTime(event.eventTime, zone)}
              </time>
              <span className="muted">{ago(event.eventTime)}</span>
            </p>
          </>
        )}
      </header>
      {!event && detail.isError && <Trouble error={detail.error} onRetry={() => void detail.refetch()} />}
      {!event && waiting && <div className="drawer-skeleton" aria-hidden />}
      {event && (
        <Tabs.Root className="drawer-tabs" value={tab} onValueChange={(next) => onTab(next as Tab)}>
          <Tabs.List className="tabs" aria-label="Parts of the event">
            <Tabs.Trigger value="summary">Summary</Tabs.Trigger>
            <Tabs.Trigger value="fields">Fields</Tabs.Trigger>
            <Tabs.Trigger value="json">JSON</Tabs.Trigger>
            <Tabs.Trigger value="related">
              Related{detail.data && detail.data.related.length > 0 && <span className="tab-count">{detail.data.related.length}</span>}
            </Tabs.Trigger>
            <Tabs.Trigger value="around">
              Around<span className="visually-hidden"> (±{AROUND})</span>
            </Tabs.Trigger>
          </Tabs.List>
          <Tabs.Content className="tab-body" value="summary">
            <Summary event={event} />
          </Tabs.Content>
          <Tabs.Content className="tab-body" value="fields">
            <Fields event={event} />
          </Tabs.Content>
          <Tabs.Content className="tab-body" value="json">
            <Suspense>
              <JsonView event={event} />
            </Suspense>
          </Tabs.Content>
          <Tabs.Content className="tab-body" value="related">
            <Related event={event} related={detail.data?.related} failed={detail.error} />
          </Tabs.Content>
          <Tabs.Content className="tab-body" value="around">
            <Around event={event} />
          </Tabs.Content>
        </Tabs.Root>
      )}
    </aside>
  )
}

/** A value with its menu: filter in or out, only this, copy, add as column. */
export function Value({ field, value, length = 160 }: FieldRow & { length?: number }) {
  const { valueMenu } = useActions()
  return (
    <button type="button" className="value mono" title={value} aria-haspopup="menu" aria-label={`${fieldLabel(field)}: ${shorten(value, length)}`} onClick={(event) => valueMenu(event.currentTarget, field, value)}>
      <span>{shorten(value, length)}</span>
      <EllipsisVertical size={12} aria-hidden />
    </button>
  )
}

function Rows({ rows }: { rows: FieldRow[] }) {
  return (
    <dl className="rows">
      {rows.map((row, at) => (
        <div key={`${row.field} ${at}`}>
          <dt title={row.field}>{fieldLabel(row.field)}</dt>
          <dd>
            <Value {...row} length={PROSE.has(row.field) ? 400 : 160} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

const SUMMARY: readonly [string, readonly string[]][] = [
  ['Who', ['initiator.name', 'initiator.id', 'initiator.typeURI', 'initiator.credential.type', 'initiator.credential.id']],
  ['Did what', ['action', 'cadf.action', 'access', 'severity']],
  ['On what', ['target.name', 'target.typeURI', 'target.id', 'service', 'app']],
  ['From where', ['initiator.host.address', 'initiator.host.agent', 'region']],
  ['With what result', ['outcome', 'reason.reasonCode', 'reason.reasonType', 'reason.reasonForFailure', 'message']],
]

function Summary({ event }: { event: AuditEvent }) {
  const { zone } = usePrefs()
  const { record } = event
  const delta = deltaOf(event)
  const late = Date.parse(record.recorded_at) - Date.parse(event.eventTime)
  return (
    <>
      {delta && (
        <section>
          <h3>What changed</h3>
          <ChangedTable rows={changedRows(delta)} />
        </section>
      )}
      {SUMMARY.map(([title, fields]) => {
        const rows = fields.flatMap((field) => {
          const value = valueAt(event, field)
          return value === undefined ? [] : [{ field, value }]
        })
        return rows.length === 0 ? null : (
          <section key={title}>
            <h3>{title}</h3>
            <Rows rows={rows} />
            {profileOf(title, rows)}
          </section>
        )
      })}
      <section>
        <h3>Kept as</h3>
        <dl className="rows">
          <div>
            <dt>Event id</dt>
            <dd>
              <Value field="id" value={event.id} />
            </dd>
          </div>
          {event.correlationId && (
            <div>
              <dt>Correlation id</dt>
              <dd>
                <Value field="correlationId" value={event.correlationId} />
              </dd>
            </div>
          )}
          <div>
            <dt>Source</dt>
            <dd>
              <Value field="source" value={record.source} />
            </dd>
          </div>
          <div>
            <dt>Recorded</dt>
            <dd>
              <time dateTime={record.recorded_at} title={fullTime(record.recorded_at, 'utc')}>
                {clock(record.recorded_at, zone).day} {clock(record.recorded_at, zone).time}
              </time>
              <span className="muted"> {Math.abs(late) < 1000 ? 'at once' : late > 0 ? `${lengthText(late)} after the event` : `${lengthText(-late)} before the event: a clock is wrong`}</span>
            </dd>
          </div>
          <div>
            <dt>Place</dt>
            <dd className="muted">
              {record.stream} stream of {record.account}
              {record.space !== null && `, space ${record.space}`}, offset {record.offset}
            </dd>
          </div>
        </dl>
      </section>
    </>
  )
}

const PROFILED = ['initiator.name', 'initiator.id', 'initiator.host.address'] as const

/** Of somebody by their name, or else by their id; of an address by itself. */
function profileOf(title: string, rows: readonly FieldRow[]) {
  const [row] = title === 'Who' || title === 'From where' ? PROFILED.flatMap((field) => rows.flatMap((one) => (one.field === field ? [{ field, value: one.value }] : []))) : []
  return row && <Profile key={row.value} {...row} />
}

function Fields({ event }: { event: AuditEvent }) {
  const [typed, setTyped] = useState('')
  const fits = (row: FieldRow): boolean => `${row.field} ${row.value}`.toLowerCase().includes(typed.toLowerCase())
  const model = modelRows(event).filter(fits)
  const raw = rawRows(event).filter(fits)
  const table = (title: string, rows: FieldRow[]) =>
    rows.length > 0 && (
      <section>
        <h3>{title}</h3>
        <table className="field-table">
          <thead className="visually-hidden">
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={`${row.field} ${at}`}>
                <th scope="row" className="mono">
                  {row.field}
                </th>
                <td>
                  <Value {...row} length={200} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    )
  return (
    <>
      <input type="search" className="field-input" aria-label="Find a field or value" placeholder="Find a field or value" value={typed} onChange={(change) => setTyped(change.target.value)} />
      {table('In every event', model)}
      {table('As received', raw)}
      {model.length + raw.length === 0 && <p className="muted">Nothing in this event has “{typed}”.</p>}
    </>
  )
}

function Related({ event, related, failed }: { event: AuditEvent; related: RelatedRecord[] | undefined; failed: Error | null }) {
  const { zone } = usePrefs()
  const { openEvent, filter } = useActions()
  if (failed) return <Trouble error={failed} />
  if (!related) return <div className="drawer-skeleton" aria-hidden />
  return (
    <>
      {related.length === 0 ? (
        <p className="muted">No other record shares this event’s id{event.correlationId ? ' or its correlation id' : ''}.</p>
      ) : (
        <>
          <p className="muted">Records that share this event’s id{event.correlationId ? ' or its correlation id' : ''}: the request and its answer, or the steps of one transaction.</p>
          <ol className="line-list">
            {[...related, { record: { id: event.record.id, summary: event.record.summary, result: event.record.result }, eventTime: event.eventTime, action: event.action, outcome: event.outcome }]
              .sort((a, b) => a.eventTime.localeCompare(b.eventTime))
              .map((line) => {
                const record = line.record.id
                const here = record === event.record.id
                return (
                  <li key={record}>
                    <button type="button" className="line" aria-current={here || undefined} disabled={here} onClick={() => openEvent(record)}>
                      <time className="time-text">{clock(line.eventTime, zone).time}</time>
                      <span className="line-text" title={line.action}>{visible(line.record.summary)}</span>
                      <Result result={resultOf(line)} />
                    </button>
                  </li>
                )
              })}
          </ol>
        </>
      )}
      {event.correlationId && related.length > 0 && (
        <button type="button" className="button" onClick={() => filter('correlationId', event.correlationId ?? '', 'only')}>
          Search for the whole transaction
        </button>
      )}
    </>
  )
}

function Around({ event }: { event: AuditEvent }) {
  const { zone } = usePrefs()
  const { openEvent } = useActions()
  const around = useQuery({ queryKey: ['around', event.record.id], queryFn: ({ signal }) => api.around(event.record.id, AROUND, signal), staleTime: 60_000 })
  const waiting = useDelayed(around.isPending)
  const hereLine = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    hereLine.current?.scrollIntoView({ block: 'center' })
  }, [around.data])
  if (around.isError) return <Trouble error={around.error} onRetry={() => void around.refetch()} />
  if (!around.data) return waiting ? <div className="drawer-skeleton" aria-hidden /> : null
  const lines = [...around.data.before, event, ...around.data.after].sort((a, b) => a.eventTime.localeCompare(b.eventTime) || a.record.offset - b.record.offset)
  return (
    <>
      <p className="muted">What happened just before and after, whatever the filters: oldest first.</p>
      <ol className="line-list">
        {lines.map((line) => {
          const here = line.record.id === event.record.id
          return (
            <li key={line.record.id}>
              <button
                type="button"
                className="line"
                aria-current={here || undefined}
                ref={here ? hereLine : undefined}
                onClick={() => openEvent(line.record.id)}
              >
                <time className="time-text" dateTime={line.eventTime} title={fullTime(line.eventTime, zone)}>
                  {clock(line.eventTime, zone, false).time}
                </time>
                <span className="line-text">{visible(line.record.summary)}</span>
                <Result result={resultOf(line)} />
              </button>
            </li>
          )
        })}
      </ol>
    </>
  )
}
