/** Channels with when each is told. */
import { Link } from '@tanstack/react-router'
import { Plus, X } from 'lucide-react'
import { useId } from 'react'
import type { Watched } from '../api/searches'
import { KINDS } from '../channels/kinds'
import { leaveRow } from '../ui/leaveRow'
import { Said, saidOf } from './Said'
import { below, type Problems } from './problems'
import { useChannels } from './queries'
import type { ToldForm, TriggerForm } from './searchForm'
import { TriggerFields } from './TriggerFields'

/** The server takes no more. */
const CHANNELS_MAX = 15

interface ToldFieldsProps {
  told: readonly ToldForm[]
  /** How the first one begins. */
  first: TriggerForm
  onChange: (told: readonly ToldForm[]) => void
  /** Of the members below `channels`. */
  problems: Problems
  watched?: Watched | undefined
}

export function ToldFields({ told, first, onChange, problems, watched }: ToldFieldsProps) {
  const id = useId()
  const channels = useChannels()
  if (channels.isSeen && !channels.isPending && channels.list.length === 0 && told.every(({ channel }) => channel === '')) {
    return (
      <p className="banner">
        There is no channel yet. <Link to="/settings/notifications" search={{}}>Make one under Settings › Notifications</Link> first.
      </p>
    )
  }
  return (
    <div className="told-cards" data-rows>
      {told.map(({ channel, trigger }, at) => {
        const set = (change: Partial<ToldForm>): void => onChange(told.map((other, index) => (index === at ? { ...other, ...change } : other)))
        const found = channels.find(channel)
        const own = below(problems, String(at))
        return (
          <div key={at} className="told-card">
            <div className="told-head">
              <select className="field-input" aria-label={`Channel ${at + 1}`} required {...saidOf(own, 'channel', `${id}-said-${at}`)} value={channel} onChange={(event) => set({ channel: event.target.value })}>
                <option value="">Choose a channel…</option>
                {channel !== '' && !found && !channels.isPending && <option value={channel}>{channels.isSeen ? 'a channel that is gone' : 'the channel as it is'}</option>}
                {channels.list.map((one) => (
                  <option key={one.id} value={one.id}>
                    {`${one.name} · ${KINDS[one.receiver.type].label}${one.is_enabled ? '' : ' (off)'}`}
                  </option>
                ))}
              </select>
              {told.length > 1 && (
                <button type="button" className="icon-button" aria-label={`Remove channel ${at + 1}`} onClick={(event) => { leaveRow(event.currentTarget); onChange(told.filter((_, index) => index !== at)) }}>
                  <X size={15} aria-hidden />
                </button>
              )}
            </div>
            <Said problems={own} of="channel" id={`${id}-said-${at}`} />
            <TriggerFields legend={found ? `“${found.name}” is told when` : 'It is told when'} form={trigger} onChange={(next) => set({ trigger: next })} problems={below(own, 'trigger')} watched={watched} />
          </div>
        )
      })}
      <Said problems={problems} of="" />
      {told.length < CHANNELS_MAX && (
        <button type="button" className="link-button" onClick={() => onChange([...told, { channel: '', trigger: told.at(-1)?.trigger ?? first }])}>
          <Plus size={13} aria-hidden /> {told.length === 0 ? 'Add a channel' : 'Another channel'}
        </button>
      )}
    </div>
  )
}
