/** Makes an alert on a search or changes one. */
import { Inbox, Megaphone, Shapes } from 'lucide-react'
import { useId, useState, type ReactNode } from 'react'
import { searches, type Watched } from '../api/searches'
import type { SearchAlert } from '../api/shapes'
import { LEVELS } from '../rules/words'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { useQueryCheck } from '../settings/QueryField'
import { Dialog } from '../ui/Dialog'
import { useSettled } from '../ui/hooks'
import { notify } from '../ui/notice'
import { PresetDialog } from './PresetDialog'
import { below, elsewhere, problemsOf } from './problems'
import { useChannels, usePresets, useSearchesChanged } from './queries'
import { Said, saidOf } from './Said'
import { SearchField } from './SearchField'
import { emptySearch, searchForm, searchOf, searchProblem, type SearchForm } from './searchForm'
import { ToldFields } from './ToldFields'
import { ToldList } from './ToldList'
import { TriggerFields } from './TriggerFields'

const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone
const SETTLED_MS = 400

const WHO: readonly { told: SearchForm['told']; label: string; what: string; Icon: typeof Inbox }[] = [
  { told: 'inbox', label: 'Inbox only', what: 'it waits until somebody looks', Icon: Inbox },
  { told: 'preset', label: 'A preset', what: 'channels that several alerts share', Icon: Shapes },
  { told: 'channels', label: 'Own channels', what: 'each with its own condition', Icon: Megaphone },
]

interface SearchDialogProps {
  /** The one to change; a new one without. */
  alert?: SearchAlert | undefined
  /** What a new one begins with. */
  start?: Partial<SearchForm> | undefined
  onDone: (saved: SearchAlert) => void
  onClose: () => void
}

export function SearchDialog({ alert, start, onDone, onClose }: SearchDialogProps) {
  const id = useId()
  const changed = useSearchesChanged()
  const { rights } = useSigned()
  const [form, setForm] = useState<SearchForm>(() => (alert ? searchForm(alert.search_alert, ownZone()) : { ...emptySearch(ownZone()), ...start }))
  const set = (change: Partial<SearchForm>): void => setForm((now) => ({ ...now, ...change }))
  const check = useQueryCheck(form.q)
  const watched = useWatched(form, check.problem !== undefined)
  const save = useChange({
    mutationFn: () => (alert ? searches.update(alert.id, searchOf(form)) : searches.create(searchOf(form))),
    onSuccess: (saved) => {
      changed()
      notify(alert ? `“${saved.search_alert.name}” is changed` : `“${saved.search_alert.name}” is watched from now on: see Alerts › Searches`)
      onDone(saved)
    },
  })
  const problems = problemsOf(save.error)
  const rest = elsewhere(problems, (member) => isBeside(member, form))
  const problem = check.problem ? 'The search cannot be read yet.' : searchProblem(form)
  return (
    <Dialog title={alert ? `Change “${alert.search_alert.name}”` : 'New alert on a search'} className="search-dialog" onClose={onClose}>
      <form
        className="stack channel-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (problem === undefined && !save.isPending) save.mutate()
        }}
      >
        {form.stream === 'activity' && !rights.seesAllEvents && <p className="banner warning">An alert counts every event of the stream, and you may see some of them only. Somebody who sees all can make it.</p>}
        <div className="name-severity">
          <div className="stack-tight">
            <label htmlFor={`${id}-name`}>Name</label>
            <input id={`${id}-name`} type="text" className="field-input" required maxLength={100} autoComplete="off" placeholder="Denied deletions" {...saidOf(problems, 'name', `${id}-name-said`)} value={form.name} onChange={(event) => set({ name: event.target.value })} />
            <Said problems={problems} of="name" id={`${id}-name-said`} />
          </div>
          <div className="stack-tight">
            <label htmlFor={`${id}-severity`}>Severity</label>
            <select id={`${id}-severity`} className="field-input" {...saidOf(problems, 'severity', `${id}-severity-said`)} value={form.severity} onChange={(event) => set({ severity: LEVELS.find((level) => level === event.target.value) ?? form.severity })}>
              {LEVELS.map((level) => (
                <option key={level}>{level}</option>
              ))}
            </select>
            <Said problems={problems} of="severity" id={`${id}-severity-said`} />
          </div>
        </div>
        <SearchField form={form} onChange={set} problems={problems} wrong={check.problem} watched={watched} />
        <WhoIsTold form={form} onChange={set} />
        {form.told === 'inbox' && <TriggerFields legend="There is an alert when" form={form.trigger} onChange={(trigger) => set({ trigger })} problems={below(problems, 'trigger')} watched={watched} />}
        {form.told === 'preset' && (
          <PresetChoice value={form.preset} onChange={(preset) => set({ preset })}>
            <Said problems={problems} of="preset" />
          </PresetChoice>
        )}
        {form.told === 'channels' && <ToldFields told={form.channels} first={form.trigger} onChange={(channels) => set({ channels })} problems={below(problems, 'channels')} watched={watched} />}
        <label className="check">
          <input type="checkbox" checked={form.autoResolve} onChange={(event) => set({ autoResolve: event.target.checked })} />
          <span>Resolve its alert by itself after a whole window without news</span>
        </label>
        {rest !== undefined && (
          <p className="banner error" role="alert">
            {rest}
          </p>
        )}
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {problem}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || save.isPending}>
            {alert ? 'Save' : 'Make the alert'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const FIELDS = ['name', 'q', 'stream', 'space', 'region', 'severity']

/** Whether a field that is shown says what is wrong with a member. */
function isBeside(member: string, form: SearchForm): boolean {
  return FIELDS.includes(member) || (form.told === 'preset' ? member === 'preset' : form.told === 'channels' ? member.startsWith('channels') : member.startsWith('trigger.'))
}

/** The search once it stood still and can be read, so that each key asks nothing of the server. */
function useWatched(form: SearchForm, isWrong: boolean): Watched | undefined {
  const { q = '', stream, space, region } = searchOf(form)
  const now = JSON.stringify({ q, stream, space, region })
  const settled = useSettled(now, SETTLED_MS)
  return isWrong || settled !== now ? undefined : (JSON.parse(settled) as Watched)
}

function WhoIsTold({ form, onChange }: { form: SearchForm; onChange: (change: Partial<SearchForm>) => void }) {
  const id = useId()
  const { isSeen, list } = useChannels()
  return (
    <fieldset className="channel-part">
      <legend>Who is told</legend>
      <div className="kind-cards who-cards">
        {WHO.map(({ told, label, what, Icon }) => {
          // Whom they would tell they could not say.
          const isShut = told === 'channels' && !isSeen && form.told !== 'channels'
          return (
            <label key={told} className="kind-card" aria-disabled={isShut}>
              <input
                type="radio"
                name={`${id}-told`}
                checked={form.told === told}
                disabled={isShut}
                onChange={() => onChange({ told, ...(told === 'channels' && form.channels.length === 0 ? { channels: [{ channel: list.length === 1 ? (list[0]?.id ?? '') : '', trigger: form.trigger }] } : {}) })}
              />
              <Icon size={17} aria-hidden />
              <span>
                <strong>{label}</strong>
                <span className="muted small">{isShut ? 'needs a right to look at channels; a preset does without' : what}</span>
              </span>
            </label>
          )
        })}
      </div>
    </fieldset>
  )
}

function PresetChoice({ value, onChange, children }: { value: string; onChange: (preset: string) => void; children: ReactNode }) {
  const id = useId()
  const presets = usePresets()
  const { isSeen } = useChannels()
  const [isMaking, setIsMaking] = useState(false)
  const chosen = presets.data?.find((preset) => preset.id === value)
  return (
    <div className="stack-tight">
      <label htmlFor={`${id}-preset`}>Preset</label>
      <div className="preset-choice">
        <select id={`${id}-preset`} className="field-input" required value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">{presets.data?.length === 0 ? 'There is none yet' : 'Choose a preset…'}</option>
          {presets.data?.map((preset) => (
            <option key={preset.id} value={preset.id}>
              {preset.name}
            </option>
          ))}
        </select>
        {isSeen && (
          <button type="button" className="button" onClick={() => setIsMaking(true)}>
            New preset
          </button>
        )}
      </div>
      {children}
      {presets.isError && <p className="field-error">{presets.error.message}</p>}
      {chosen && <ToldList channels={chosen.channels} />}
      {isMaking && (
        <PresetDialog
          onDone={(saved) => {
            setIsMaking(false)
            onChange(saved.id)
          }}
          onClose={() => setIsMaking(false)}
        />
      )}
    </div>
  )
}
