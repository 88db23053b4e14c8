/** When somebody is told: how many matches within how long, told when, and at which times never. */
import { useQuery } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useId } from 'react'
import { searches, type Watched } from '../api/searches'
import { leaveRow } from '../ui/leaveRow'
import { count } from '../ui/number'
import { Said, saidOf } from './Said'
import type { Problems } from './problems'
import { below } from './problems'
import type { TriggerForm } from './searchForm'
import { DAY_NAMES, DAYS, endWords, INTERVALS, newsIn } from './words'

const ZONES = Intl.supportedValuesOf('timeZone')
const LATELY_MS = 60_000

interface TriggerFieldsProps {
  legend: string
  form: TriggerForm
  onChange: (form: TriggerForm) => void
  /** Of the trigger's own members. */
  problems: Problems
  /** The search, where it is known and can be read: tells how often there would have been news. */
  watched?: Watched | undefined
}

export function TriggerFields({ legend, form, onChange, problems, watched }: TriggerFieldsProps) {
  const id = useId()
  const set = (change: Partial<TriggerForm>): void => onChange({ ...form, ...change })
  const isPresence = form.operator === 'presence'
  return (
    <fieldset className="trigger-fields">
      <legend>{legend}</legend>
      <div className="trigger-line">
        <select
          className="field-input"
          aria-label="What is waited for"
          value={form.operator}
          onChange={(event) => {
            const operator = event.target.value as TriggerForm['operator']
            // What is missing for a few minutes only is seldom news.
            set({ operator, ...(operator === 'absence' && form.interval === '5m' ? { interval: '15m' } : {}) })
          }}
        >
          <option value="presence">at least</option>
          <option value="absence">fewer than</option>
        </select>
        <input type="number" className="field-input" aria-label="How many events" {...saidOf(problems, 'trigger_limit', `${id}-limit-said`)} min={1} step={1} required value={form.limit} onChange={(event) => set({ limit: event.target.value })} />
        <span>{form.limit === '1' ? 'event matches within' : 'events match within'}</span>
        <select className="field-input" aria-label="Within how long" {...saidOf(problems, 'trigger_interval', `${id}-interval-said`)} value={form.interval} onChange={(event) => set({ interval: event.target.value as TriggerForm['interval'] })}>
          {INTERVALS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <Said problems={problems} of="trigger_limit" id={`${id}-limit-said`} />
      <Said problems={problems} of="trigger_interval" id={`${id}-interval-said`} />
      {isPresence ? (
        <div className="trigger-times">
          <label className="check">
            <input type="checkbox" checked={form.immediate} onChange={(event) => set({ immediate: event.target.checked })} />
            <span>at once, when there are so many</span>
          </label>
          <label className="check">
            <input type="checkbox" checked={form.terminal} onChange={(event) => set({ terminal: event.target.checked })} />
            <span>at the end of {endWords(form.interval)}, with the whole count</span>
          </label>
        </div>
      ) : (
        <p className="muted small">Told at the end of {endWords(form.interval)}, as long as something matched in the day before.</p>
      )}
      <Said problems={problems} of="immediate" />
      <Said problems={problems} of="terminal" />
      {watched && <Lately watched={watched} form={form} />}
      <QuietFields form={form} onChange={set} problems={below(problems, 'blackout')} />
    </fieldset>
  )
}

/** How often it would have been told: what is too loud shows before it is loud. */
function Lately({ watched, form }: { watched: Watched; form: TriggerForm }) {
  const windows = useQuery({ queryKey: ['lately', watched, form.interval], queryFn: ({ signal }) => searches.windowsLately(watched, form.interval, signal), staleTime: LATELY_MS, retry: false, placeholderData: (before) => before })
  const limit = Number(form.limit)
  if (!windows.data || !(limit >= 1)) return null
  const news = newsIn(windows.data, { operator: form.operator, limit })
  return (
    <p className="muted small" role="status">
      In the last 24 hours it would have been told <strong className={news > 24 ? 'is-loud' : ''}>{news === 0 ? 'not at all' : news === 1 ? 'once' : `${count(news)} times`}</strong>
      {news > 24 ? ': rather often; a higher count or a longer time makes it quieter.' : '.'}
    </p>
  )
}

function QuietFields({ form, onChange, problems }: { form: TriggerForm; onChange: (change: Partial<TriggerForm>) => void; problems: Problems }) {
  const id = useId()
  const setPeriod = (at: number, change: Partial<{ from: string; to: string }>): void => onChange({ periods: form.periods.map((period, index) => (index === at ? { ...period, ...change } : period)) })
  const isOverMidnight = form.periods.some(({ from, to }) => from !== '' && to !== '' && to <= from)
  return (
    <div className="quiet-times">
      <label className="check">
        <input
          type="checkbox"
          checked={form.isQuiet}
          onChange={(event) =>
            onChange({
              isQuiet: event.target.checked,
              // Something to begin with: the weekend.
              ...(event.target.checked && form.days.length === 0 && form.periods.length === 0 ? { days: ['sat', 'sun'], isAllDay: true } : {}),
            })
          }
        />
        <span>Quiet times: then nothing is told</span>
      </label>
      {form.isQuiet && (
        <div className="quiet-fields">
          <fieldset className="day-checks">
            <legend className="visually-hidden">Quiet days</legend>
            {DAYS.map((day) => (
              <label key={day} className="day-check">
                <input type="checkbox" checked={form.days.includes(day)} onChange={(event) => onChange({ days: DAYS.filter((other) => (other === day ? event.target.checked : form.days.includes(other))) })} />
                <span>{DAY_NAMES[day]}</span>
              </label>
            ))}
          </fieldset>
          <Said problems={problems} of="days" />
          <div className="segmented" role="group" aria-label="Quiet hours">
            <button type="button" aria-pressed={form.isAllDay} onClick={() => onChange({ isAllDay: true })}>
              All day
            </button>
            <button type="button" aria-pressed={!form.isAllDay} onClick={() => onChange({ isAllDay: false, ...(form.periods.length === 0 ? { periods: [{ from: '22:00', to: '06:00' }] } : {}) })}>
              At some hours
            </button>
          </div>
          {!form.isAllDay && (
            <div className="quiet-periods" data-rows>
              {form.periods.map((period, at) => (
                <div key={at} className="quiet-period">
                  <input type="time" className="field-input" aria-label={`Quiet from ${at + 1}`} required value={period.from} onChange={(event) => setPeriod(at, { from: event.target.value })} />
                  <span className="muted">to</span>
                  <input type="time" className="field-input" aria-label={`Quiet until ${at + 1}`} required value={period.to} onChange={(event) => setPeriod(at, { to: event.target.value })} />
                  {period.from !== '' && period.to !== '' && period.to <= period.from && <span className="muted small">of the next day</span>}
                  <button type="button" className="icon-button small" aria-label={`Remove quiet hours ${at + 1}`} onClick={(event) => { leaveRow(event.currentTarget); onChange({ periods: form.periods.filter((_, index) => index !== at) }) }}>
                    <X size={14} aria-hidden />
                  </button>
                </div>
              ))}
              <button type="button" className="link-button" onClick={() => onChange({ periods: [...form.periods, { from: '12:00', to: '13:00' }] })}>
                <Plus size={13} aria-hidden /> Other hours too
              </button>
            </div>
          )}
          <Said problems={problems} of="times.periods" />
          <p className="muted small">
            {form.days.length === 0 ? 'Without a day: every day.' : ''} {!form.isAllDay && isOverMidnight && form.days.length > 0 ? 'Hours past midnight belong to the day on which they begin.' : ''}
          </p>
          <div className="quiet-zone">
            <label htmlFor={`${id}-zone`}>By the clock of</label>
            <input id={`${id}-zone`} type="text" className="field-input" required list={`${id}-zones`} autoComplete="off" spellCheck={false} {...saidOf(problems, 'timezone', `${id}-zone-said`)} value={form.timeZone} onChange={(event) => onChange({ timeZone: event.target.value })} />
            <datalist id={`${id}-zones`}>
              {['UTC', ...ZONES].map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </div>
          <Said problems={problems} of="timezone" id={`${id}-zone-said`} />
        </div>
      )}
      <Said problems={problems} of="" />
    </div>
  )
}
