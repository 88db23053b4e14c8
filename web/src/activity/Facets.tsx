/** The most frequent values of some fields, with counts, to filter in and out. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { ChevronRight, Minus, Plus, X } from 'lucide-react'
import { useId, useMemo, useState } from 'react'
import { api } from '../api/client'
import type { Facet, Filter } from '../api/shapes'
import { selection, withoutField } from '../query/terms'
import { useSettled } from '../ui/hooks'
import { Middle } from '../ui/Middle'
import { compact, count } from '../ui/number'
import { FieldPicker } from './FieldPicker'
import { useActions } from './actions'
import { fieldLabel } from './columns'
import { shorten } from './event'

const VALUES = 6
const VALUES_MORE = 30

interface FacetsProps {
  filter: Filter
  fields: string[]
  onFields: (fields: string[]) => void
  onMissing: (field: string) => void
}

export function Facets({ filter, fields, onFields, onMissing }: FacetsProps) {
  const [closed, setClosed] = useState<readonly string[]>([])
  const [more, setMore] = useState<readonly string[]>([])
  const [finds, setFinds] = useState<Record<string, string>>({})
  const prefixes = useSettled(finds, 200)
  const query = filter.q ?? ''
  // A facet counts over the query without its own picks, so that its other values stay in sight.
  const [picked, plain] = useMemo(() => {
    const withPicks = fields.filter((field) => selection(query, field).terms.length > 0)
    return [withPicks, fields.filter((field) => !withPicks.includes(field) && !closed.includes(field))] as const
  }, [fields, query, closed])
  const together = useQuery({
    queryKey: ['facets', filter, plain],
    queryFn: ({ signal }) => api.facets({ ...filter, field: [...plain], limit: VALUES }, signal),
    enabled: plain.length > 0,
    placeholderData: keepPreviousData,
  })
  const alone = [...picked, ...more.filter((field) => !picked.includes(field))]
  const single = useQueries({
    queries: alone.map((field) => ({
      queryKey: ['facet', { ...filter, q: withoutField(query, field) }, field, more.includes(field), prefixes[field] ?? ''],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.top({ ...filter, q: withoutField(query, field), field, limit: more.includes(field) ? VALUES_MORE : VALUES, ...(prefixes[field] ? { prefix: prefixes[field] } : {}) }, signal),
      placeholderData: keepPreviousData,
    })),
  })
  const facetOf = (field: string): Facet | undefined => {
    const at = alone.indexOf(field)
    return (at >= 0 ? single[at]?.data : undefined) ?? together.data?.find((facet) => facet.field === field)
  }
  const toggle = (list: readonly string[], field: string): readonly string[] => (list.includes(field) ? list.filter((name) => name !== field) : [...list, field])

  return (
    <div className="facets">
      {fields.map((field) => (
        <FacetSection
          key={field}
          field={field}
          facet={facetOf(field)}
          query={query}
          open={!closed.includes(field)}
          failed={together.isError}
          more={more.includes(field)}
          onToggle={() => setClosed(toggle(closed, field))}
          onMore={() => {
            setMore(toggle(more, field))
            setFinds({ ...finds, [field]: '' })
          }}
          find={finds[field] ?? ''}
          onFind={(typed) => setFinds({ ...finds, [field]: typed })}
          onRemove={() => onFields(fields.filter((name) => name !== field))}
          onMissing={() => onMissing(field)}
        />
      ))}
      {together.isError && <p className="muted small facets-note">Counts are missing: {together.error.message}</p>}
      <FieldPicker label="Add facet" taken={fields} onPick={(field) => onFields([...fields, field])} />
    </div>
  )
}

interface FacetSectionProps {
  field: string
  facet: Facet | undefined
  query: string
  open: boolean
  failed: boolean
  more: boolean
  onToggle: () => void
  onMore: () => void
  /** What the values begin with, where there are too many to list. */
  find: string
  onFind: (typed: string) => void
  onRemove: () => void
  onMissing: () => void
}

function FacetSection({ field, facet, query, open, failed, more, onToggle, onMore, find, onFind, onRemove, onMissing }: FacetSectionProps) {
  const { filter } = useActions()
  const picks = selection(query, field)
  const id = useId()
  const label = fieldLabel(field)
  // What is picked stays in sight even when it has no events now.
  const shown = [...(facet?.values ?? [])]
  for (const value of [...picks.included, ...picks.excluded]) if (!shown.some((item) => item.value === value)) shown.push({ value, count: 0 })
  const most = Math.max(1, ...shown.map((item) => item.count))
  return (
    <section className="facet" aria-labelledby={`${id}-head`}>
      <div className="facet-head">
        <h3 id={`${id}-head`}>
          <button type="button" aria-expanded={open} onClick={onToggle} title={field}>
            <ChevronRight size={13} aria-hidden className={open ? 'turned' : ''} />
            {label}
            {picks.terms.length > 0 && <span className="facet-picked">{picks.included.length + picks.excluded.length}</span>}
          </button>
        </h3>
        <button type="button" className="icon-button small facet-remove" aria-label={`Remove facet ${label}`} title="Remove this facet" onClick={onRemove}>
          <X size={12} aria-hidden />
        </button>
      </div>
      {open && !facet && !failed && (
        <div className="facet-skeleton" aria-hidden>
          <i />
          <i />
          <i />
        </div>
      )}
      {open && more && (find !== '' || (facet?.other ?? 0) > 0) && (
        <input type="search" className="field-input facet-find" aria-label={`Find a value of ${label}`} placeholder="Begins with…" spellCheck={false} value={find} onChange={(event) => onFind(event.target.value)} />
      )}
      {open && facet && (
        <ul>
          {shown.map(({ value, count: number }) => {
            const included = picks.included.includes(value)
            const excluded = picks.excluded.includes(value)
            return (
              <li key={value} className={`facet-value${included ? ' included' : ''}${excluded ? ' excluded' : ''}`}>
                <button type="button" className="facet-pick" aria-pressed={included} title={value} onClick={() => filter(field, value, included ? 'clear' : 'in')}>
                  <span className="facet-bar" style={{ inlineSize: `${(number / most) * 100}%` }} aria-hidden />
                  <span className="facet-check" aria-hidden>
                    {included ? <Plus size={11} strokeWidth={3} /> : excluded ? <Minus size={11} strokeWidth={3} /> : null}
                  </span>
                  <span className="facet-name">
                    {excluded && <span className="visually-hidden">excluded: </span>}
                    <Middle text={shorten(value, 60)} />
                  </span>
                  <span className="facet-count" title={count(number)}>
                    {compact(number)}
                    <span className="visually-hidden"> events</span>
                  </span>
                </button>
                <button
                  type="button"
                  className="facet-out"
                  aria-pressed={excluded}
                  aria-label={excluded ? `Let ${value} in again` : `Filter out ${value}`}
                  title={excluded ? 'Let in again' : 'Filter out'}
                  onClick={() => filter(field, value, excluded ? 'clear' : 'out')}
                >
                  <Minus size={12} aria-hidden />
                </button>
              </li>
            )
          })}
          {shown.length === 0 && (facet.missing === 0 || find !== '') && <li className="muted small facet-empty">{find === '' ? 'No values in this range' : `None begins with “${find}”`}</li>}
          {(facet.other > 0 || more) && (
            <li>
              <button type="button" className="link-button facet-more" onClick={onMore}>
                {more ? 'Show fewer' : 'More'}{facet.other > 0 && <span className="muted">{compact(facet.other)} in other values</span>}
              </button>
            </li>
          )}
          {facet.missing > 0 && (
            <li>
              <button type="button" className="link-button facet-more" onClick={onMissing}>
                {compact(facet.missing)} without it
              </button>
            </li>
          )}
        </ul>
      )}
    </section>
  )
}
