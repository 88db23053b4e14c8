import type { ToldChannel } from '../api/shapes'
import { KINDS } from '../channels/kinds'
import { useChannels } from './queries'
import { quietWords, triggerWords } from './words'

/** Channels, and in words when each is told. */
export function ToldList({ channels }: { channels: readonly ToldChannel[] }) {
  return (
    <ul className="told-words">
      {channels.map(({ channel, trigger }, at) => {
        const quiet = quietWords(trigger.blackout)
        return (
          <li key={at}>
            <ChannelName id={channel} />
            <span className="muted small">
              {triggerWords(trigger)}
              {quiet !== undefined && <>; {quiet}</>}
            </span>
          </li>
        )
      })}
    </ul>
  )
}

/** Its name where the person may look at channels. */
export function ChannelName({ id }: { id: string }) {
  const { find, isSeen, isPending } = useChannels()
  const channel = find(id)
  if (!channel) return <span className="channel-of muted">{isPending ? '…' : isSeen ? 'a channel that is gone' : 'a channel'}</span>
  const { Icon, label } = KINDS[channel.receiver.type]
  return (
    <span className="channel-of" title={label}>
      <Icon size={14} aria-hidden />
      <span className="wrap">{channel.name}</span>
      {!channel.is_enabled && <span className="tag">off</span>}
    </span>
  )
}
