/** What narrows the list beside its cards: time, state, exact texts, and whether expected ones are shown too. */
import { ListFilter, RefreshCw, X } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useId, useState } from 'react'
import { visible } from '../activity/event'
import { TimePicker } from '../activity/TimePicker'
import type { Insight } from '../api/shapes'
import { count } from '../ui/number'
import { KINDS, kindNamed } from './kinds'
import { TEXT_LABELS, TEXTS, USUAL_RANGE, type InsightSearch, type TextFilter } from './search'
import type { Span } from './lanes'

interface FiltersProps {
  search: InsightSearch
  /** Those that are shown, whose values are proposed. */
  insights: readonly Insight[]
  span: Span
  /** How many are left out because they are expected. */
  expected: number | undefined
  /** Whether the server can read a start. */
  check: (from: string) => Promise<unknown>
  isFetching: boolean
  onChange: (change: { [Name in keyof InsightSearch]: InsightSearch[Name] | undefined }) => void
  onAgain: () => void
}

const STATES = [[undefined, 'All'], ['open', 'Open'], ['ended', 'Over']] as const

export function Filters({ search, insights, span, expected, check, isFetching, onChange, onAgain }: FiltersProps) {
  const kind = kindNamed(search.insight_type)
  const texts = TEXTS.filter((name) => search[name] !== undefined)
  const iso = (time: number): string => new Date(time).toISOString()
  return (
    <div className="insight-filters">
      <div className="segmented" role="group" aria-label="State">
        {STATES.map(([state, label]) => (
          <button key={label} type="button" aria-pressed={search.state === state} onClick={() => onChange({ state })}>
            {label}
          </button>
        ))}
      </div>
      <AddFilter insights={insights} onAdd={(name, value) => onChange({ [name]: value })} />
      <ul className="chips" aria-label="Filters">
        {kind && (
          <li className="chip">
            <span className="chip-text">
              <span className="chip-name">kind</span>
              <span className="chip-sign">=</span>
              {KINDS[kind].title}
            </span>
            <button type="button" aria-label="Remove the filter: kind" onClick={() => onChange({ insight_type: undefined })}>
              <X size={13} aria-hidden />
            </button>
          </li>
        )}
        {texts.map((name) => (
          <li key={name} className="chip">
            <span className="chip-text" title={search[name]}>
              <span className="chip-name">{TEXT_LABELS[name]}</span>
              <span className="chip-sign">=</span>
              {visible(search[name] ?? '')}
            </span>
            <button type="button" aria-label={`Remove the filter: ${TEXT_LABELS[name]}`} onClick={() => onChange({ [name]: undefined })}>
              <X size={13} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      <span className="spring" />
      <label className="check also-expected">
        <input type="checkbox" checked={search.expected !== undefined} onChange={(event) => onChange({ expected: event.target.checked ? '1' : undefined })} />
        <span>
          Also expected{expected !== undefined && expected > 0 && <span className="muted small"> ({count(expected)})</span>}
        </span>
      </label>
      <TimePicker from={search.from} to={search.to} usual={USUAL_RANGE} resolved={{ from: iso(span.from), to: iso(span.to) }} check={check} onChange={(from, to) => onChange({ from, to })} />
      <button type="button" className="icon-button" aria-label="Load again" title="Load again" onClick={onAgain}>
        <RefreshCw size={14} aria-hidden className={isFetching ? 'spinning' : ''} />
      </button>
    </div>
  )
}

function AddFilter({ insights, onAdd }: { insights: readonly Insight[]; onAdd: (name: TextFilter, value: string) => void }) {
  const id = useId()
  const [isOpen, setIsOpen] = useState(false)
  const [name, setName] = useState<TextFilter>('event_name')
  const [value, setValue] = useState('')
  const seen = [...new Set(insights.flatMap((insight) => (name === 'insight_object' ? [insight.object] : [insight[name] ?? ''])))].filter((text) => text !== '').sort()
  return (
    <Popover.Root open={isOpen} onOpenChange={setIsOpen}>
      <Popover.Trigger className="button">
        <ListFilter size={14} aria-hidden /> Filter
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover filter-popover" align="start" sideOffset={6} collisionPadding={8} aria-label="Add a filter">
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              if (value.trim() === '') return
              onAdd(name, value.trim())
              setValue('')
              setIsOpen(false)
            }}
          >
            <label htmlFor={`${id}-name`}>Only insights of one</label>
            <select id={`${id}-name`} className="field-input" value={name} onChange={(event) => setName(TEXTS.find((one) => one === event.target.value) ?? name)}>
              {TEXTS.map((one) => (
                <option key={one} value={one}>
                  {TEXT_LABELS[one]}
                </option>
              ))}
            </select>
            <label htmlFor={`${id}-value`}>Value, exactly</label>
            <input id={`${id}-value`} type="text" className="field-input mono" list={`${id}-seen`} autoComplete="off" spellCheck={false} value={value} onChange={(event) => setValue(event.target.value)} />
            <datalist id={`${id}-seen`}>
              {seen.map((text) => (
                <option key={text} value={text} />
              ))}
            </datalist>
            {seen.length > 0 && (
              <div className="quick">
                {seen.slice(0, 6).map((text) => (
                  <button key={text} type="button" className="code-button" onClick={() => { onAdd(name, text); setIsOpen(false) }}>
                    {visible(text)}
                  </button>
                ))}
              </div>
            )}
            <button type="submit" className="button primary" disabled={value.trim() === ''}>
              Add the filter
            </button>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
