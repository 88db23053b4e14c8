/** Makes a channel or changes one: where it leads, what it is told. */
import { useQueryClient } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useId, useState } from 'react'
import { alerts } from '../api/alerts'
import type { Channel } from '../api/shapes'
import { LEVELS } from '../rules/words'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { leaveRow } from '../ui/leaveRow'
import { notify } from '../ui/notice'
import { EMPTY_CHANNEL, formOf, problemOf, writeOf, type ChannelForm } from './channelForm'
import { KIND_ORDER, KINDS } from './kinds'
import { Field, ReceiverFields } from './ReceiverFields'

interface ChannelDialogProps {
  /** The one to change; a new one without. */
  channel?: Channel | undefined
  hasMail: boolean
  onDone: (saved: Channel) => void
  onClose: () => void
}

const ZONES = Intl.supportedValuesOf('timeZone')

export function ChannelDialog({ channel, hasMail, onDone, onClose }: ChannelDialogProps) {
  const id = useId()
  const client = useQueryClient()
  const [form, setForm] = useState<ChannelForm>(() => (channel ? formOf(channel) : { ...EMPTY_CHANNEL, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }))
  const set = (change: Partial<ChannelForm>): void => setForm({ ...form, ...change })
  const problem = problemOf(form, channel)
  const save = useChange({
    mutationFn: () => (channel ? alerts.updateChannel(channel.id, writeOf(form)) : alerts.createChannel(writeOf(form))),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: ['channels'] })
      void client.invalidateQueries({ queryKey: ['history'] })
      notify(channel ? `“${saved.name}” is changed` : `“${saved.name}” is made`)
      onDone(saved)
    },
  })
  return (
    <Dialog title={channel ? `Change “${channel.name}”` : 'New channel'} className="channel-dialog" onClose={onClose}>
      <form
        className="stack channel-form"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {!channel && (
          <fieldset>
            <legend className="visually-hidden">Receiver</legend>
            <div className="kind-cards">
              {KIND_ORDER.map((kind) => {
                const { label, Icon, what } = KINDS[kind]
                return (
                  <label key={kind} className="kind-card">
                    <input type="radio" name={`${id}-kind`} checked={form.kind === kind} onChange={() => set({ kind, url: '' })} />
                    <Icon size={17} aria-hidden />
                    <span>
                      <strong>{label}</strong>
                      <span className="muted small">{what}</span>
                    </span>
                  </label>
                )
              })}
            </div>
          </fieldset>
        )}
        <Field id={`${id}-name`} label="Name">
          <input id={`${id}-name`} type="text" className="field-input" required maxLength={100} autoComplete="off" placeholder="On call" value={form.name} onChange={(event) => set({ name: event.target.value })} />
        </Field>
        <ReceiverFields key={form.kind} form={form} onChange={set} hasMail={hasMail} />
        <fieldset className="severity-checks channel-part">
          <legend>It is told of alerts that are</legend>
          {LEVELS.map((level) => (
            <label key={level} className="check">
              <input type="checkbox" checked={form.severities.includes(level)} onChange={(event) => set({ severities: event.target.checked ? [...form.severities, level] : form.severities.filter((other) => other !== level) })} />
              <span>{level}</span>
            </label>
          ))}
        </fieldset>
        <Sources form={form} onChange={set} />
        <div className="field-pair">
          <Field id={`${id}-rate`} label="Notices an hour" help="What is over it is told together.">
            <input id={`${id}-rate`} aria-describedby={`${id}-rate-help`} type="number" className="field-input" min={1} max={3600} required value={form.rateLimit} onChange={(event) => set({ rateLimit: event.target.value })} />
          </Field>
          <Field id={`${id}-zone`} label="Time zone" help="In which its people read times.">
            <input id={`${id}-zone`} aria-describedby={`${id}-zone-help`} type="text" className="field-input" required list={`${id}-zones`} autoComplete="off" spellCheck={false} value={form.timeZone} onChange={(event) => set({ timeZone: event.target.value })} />
            <datalist id={`${id}-zones`}>
              {['UTC', ...ZONES].map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </Field>
        </div>
        <Field id={`${id}-what`} label="What it is for (optional)">
          <input id={`${id}-what`} type="text" className="field-input" maxLength={1000} autoComplete="off" value={form.description} onChange={(event) => set({ description: event.target.value })} />
        </Field>
        <ChangeError error={save.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {problem}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || save.isPending}>
            {channel ? 'Save' : 'Make the channel'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Sources({ form, onChange }: { form: ChannelForm; onChange: (change: Partial<ChannelForm>) => void }) {
  const id = useId()
  return (
    <fieldset className="conditions channel-part">
      <legend>From</legend>
      {form.sources.length === 0 ? (
        <p className="muted small">every provider, of every type</p>
      ) : (
        form.sources.map((source, at) => {
          const set = (change: Partial<typeof source>): void => onChange({ sources: form.sources.map((other, index) => (index === at ? { ...other, ...change } : other)) })
          return (
            <div key={at} className="pair-row">
              <input type="text" className="field-input mono" aria-label={`Provider ${at + 1}`} list={`${id}-providers`} placeholder="provider, or ALL" autoComplete="off" spellCheck={false} value={source.provider} onChange={(event) => set({ provider: event.target.value })} />
              <input type="text" className="field-input mono" aria-label={`Types of findings ${at + 1}`} placeholder="types, or ALL" autoComplete="off" spellCheck={false} value={source.types} onChange={(event) => set({ types: event.target.value })} />
              <button type="button" className="icon-button small" aria-label={`Remove origin ${at + 1}`} onClick={(event) => { leaveRow(event.currentTarget); onChange({ sources: form.sources.filter((_, index) => index !== at) }) }}>
                <X size={14} aria-hidden />
              </button>
            </div>
          )
        })
      )}
      <datalist id={`${id}-providers`}>
        <option value="ALL">every provider</option>
        <option value="whodid">the rules here</option>
      </datalist>
      <button type="button" className="link-button" onClick={() => onChange({ sources: [...form.sources, { provider: '', types: 'ALL' }] })}>
        <Plus size={13} aria-hidden /> {form.sources.length === 0 ? 'Only of some providers or types' : 'Or'}
      </button>
    </fieldset>
  )
}
