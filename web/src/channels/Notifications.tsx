/** Channels under Settings: who and what is told of alerts, and how that goes. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { BellRing, Plus } from 'lucide-react'
import { useState } from 'react'
import { DeliveryMark } from '../alerts/Told'
import { alerts } from '../api/alerts'
import type { Channel, ChannelList } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { SEES_CHANNELS } from '../session/rights'
import { historyOf } from '../settings/History'
import { Tab, useTab } from '../settings/Tab'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { severityWords, switched } from './channelForm'
import { ChannelDialog } from './ChannelDialog'
import { ChannelSide } from './ChannelSide'
import { KINDS, leadsTo } from './kinds'
import { NoticeKeyPanel } from './NoticeKeyPanel'

const LIST_MS = 15_000

export function NotificationsTab() {
  const { rights } = useSigned()
  const mayManage = rights.may('channels.manage')
  const { open, setOpen } = useTab()
  const [editing, setEditing] = useState<Channel | 'new' | undefined>()
  const channels = useQuery({
    queryKey: ['channels'],
    queryFn: ({ signal, client }) => alerts.channels(client.getQueryData(['channels']) !== undefined, signal),
    refetchInterval: LIST_MS,
    enabled: rights.mayAny(SEES_CHANNELS),
  })
  const shown = channels.data?.channels.find((channel) => channel.id === open)
  useRowsLeave(channels.data?.channels.length)
  return (
    <Tab
      title="Notifications"
      lead={
        <>
          Channels that tell people and programs of alerts.
          {rights.may('alerts.read') && (
            <>
              {' '}
              For whom nothing is told for some time are the{' '}
              <Link to="/alerts/silences" search={{}}>
                silences
              </Link>
              .
            </>
          )}
        </>
      }
      need={SEES_CHANNELS}
      history={historyOf(['channel'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setEditing('new')}>
            <Plus size={14} aria-hidden /> New channel
          </button>
        )
      }
    >
      <Loaded query={channels}>
        {(list) => (
          <>
            {!list.has_mail && list.channels.some((channel) => channel.receiver.type === 'email') && (
              <p className="banner warning mail-missing">
                whodid knows no mail server any more, so no channel can send e-mail. The operator sets <code>mail.host</code> and <code>mail.from</code> in the configuration.
              </p>
            )}
            {list.channels.length === 0 ? (
              <Empty Icon={BellRing} title="Nobody is told yet">
                <p>Alerts wait in the inbox until somebody looks. A channel tells your people where they are: by e-mail, Slack, Teams, PagerDuty, a webhook or syslog.</p>
                {mayManage && (
                  <div className="state-actions">
                    <button type="button" className="button primary" onClick={() => setEditing('new')}>
                      Make the first channel
                    </button>
                  </div>
                )}
              </Empty>
            ) : (
              <ChannelTable list={list} open={open} mayManage={mayManage} onOpen={setOpen} />
            )}
            <NoticeKeyPanel />
          </>
        )}
      </Loaded>
      {open !== undefined && channels.isSuccess && !channels.isFetching && !shown && (
        <p className="banner" role="status">
          No channel has the id in the address: it is deleted.
        </p>
      )}
      {shown && <ChannelSide key={shown.id} channel={shown} onEdit={() => setEditing(shown)} onClose={() => setOpen(undefined)} />}
      {editing !== undefined && (
        <ChannelDialog
          channel={editing === 'new' ? undefined : editing}
          hasMail={channels.data?.has_mail ?? true}
          onDone={(saved) => {
            setEditing(undefined)
            // To be tried at once.
            setOpen(saved.id)
          }}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Tab>
  )
}

function ChannelTable({ list, open, mayManage, onOpen }: { list: ChannelList; open: string | undefined; mayManage: boolean; onOpen: (id: string) => void }) {
  return (
    <table className="page-table channels-table" aria-label="Channels">
      <thead>
        <tr>
          <th scope="col">Told</th>
          <th scope="col">Channel</th>
          <th scope="col">Leads to</th>
          <th scope="col">Is told of</th>
          <th scope="col">Last delivery</th>
        </tr>
      </thead>
      <tbody>
        {list.channels.map((channel) => {
          const { label, Icon } = KINDS[channel.receiver.type]
          const last = channel.last_delivery
          return (
            <tr key={channel.id} className={`${channel.is_enabled ? '' : 'dimmed'}${channel.id === open ? ' chosen' : ''}`}>
              <td data-label="Told">
                {mayManage ? <ChannelSwitch channel={channel} /> : <span className="muted small">{channel.is_enabled ? 'on' : 'off'}</span>}
              </td>
              <th scope="row" data-label="Channel">
                <span className="channel-name">
                  <span className="kind-icon" title={label}>
                    <Icon size={16} aria-hidden />
                  </span>
                  <span className="stacked">
                    <button type="button" className="row-link" onClick={() => onOpen(channel.id)}>
                      {channel.name}
                    </button>
                    <span className="muted small">{channel.description === '' ? label : channel.description}</span>
                  </span>
                </span>
              </th>
              <td data-label="Leads to" className="mono small channel-leads">
                {leadsTo(channel.receiver)}
              </td>
              <td data-label="Is told of">
                <span className="stacked">
                  {severityWords(channel.severities)}
                  {channel.sources.length > 0 && <span className="muted small">from {channel.sources.map((source) => (source.provider === 'ALL' ? 'every provider' : source.provider)).join(', ')}</span>}
                </span>
              </td>
              <td data-label="Delivery">
                {last === null ? (
                  <span className="muted">none yet</span>
                ) : (
                  <span className="stacked">
                    <span className="delivery-line">
                      <DeliveryMark state={last.state} />
                      {last.attempts.at(-1)?.status != null && <span className="mono small">{last.attempts.at(-1)?.status}</span>}
                      {last.moment === 'test' && <span className="muted small">test</span>}
                    </span>
                    <span className="small">
                      <When iso={last.created_at} />
                    </span>
                  </span>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function ChannelSwitch({ channel }: { channel: Channel }) {
  const client = useQueryClient()
  const change = useChange({
    mutationFn: (isEnabled: boolean) => alerts.updateChannel(channel.id, switched(channel, isEnabled)),
    onSuccess: async (saved) => {
      notify(`“${saved.name}” is ${saved.is_enabled ? 'on' : 'off'}`)
      await client.invalidateQueries({ queryKey: ['channels'], exact: true })
    },
    onError: (error) => notify(error.message),
  })
  // Not disabled meanwhile: that would take the focus away.
  return <input type="checkbox" role="switch" className="switch" aria-label={`Tell “${channel.name}”`} checked={change.isPending ? change.variables : channel.is_enabled} aria-busy={change.isPending} onChange={(event) => !change.isPending && change.mutate(event.target.checked)} />
}
