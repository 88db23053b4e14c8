/** Searches that are watched, and the presets that say whom they tell. */
import { BellRing, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { usePeople } from '../alerts/people'
import { searches } from '../api/searches'
import type { SearchAlert, SearchAlertWrite, TellingPreset } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { Tab, useTab } from '../settings/Tab'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { Presets } from './Presets'
import { useChannels, usePresets, useSearchAlerts, useSearchesChanged } from './queries'
import { SearchDialog } from './SearchDialog'
import { SearchLink } from './SearchLink'
import { SearchSide } from './SearchSide'
import { ChannelName } from './ToldList'
import { isStream, quietWords, searchHistory, STREAMS, triggersOf, triggerWords } from './words'

export function SearchesTab() {
  const { rights } = useSigned()
  const { open, setOpen } = useTab()
  const alerts = useSearchAlerts()
  const presets = usePresets()
  const [editing, setEditing] = useState<SearchAlert | 'new' | undefined>()
  useRowsLeave(alerts.data?.length)
  const mayManage = rights.may('alerts.manage')
  const shown = alerts.data?.find((alert) => alert.id === open)
  return (
    <Tab
      title="Searches"
      lead="Searches that are watched: so many matches within some time, or too few, make an alert."
      need={['alerts.read']}
      history={searchHistory()}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setEditing('new')}>
            <Plus size={14} aria-hidden /> New alert
          </button>
        )
      }
    >
      <Loaded query={alerts}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={BellRing} title="No search is watched yet">
              <p>What you look for in Activity again and again can tell you by itself: when it is found, when it is found too often, or when it is missing.</p>
              <div className="state-actions">
                {mayManage && (
                  <button type="button" className="button primary" onClick={() => setEditing('new')}>
                    Watch a search
                  </button>
                )}
                {rights.mayAny(READS_EVENTS) && (
                  <Link to="/activity" search={{}} className="button">
                    Search in Activity first
                  </Link>
                )}
              </div>
            </Empty>
          ) : (
            <SearchTable list={list} presets={presets.data ?? []} open={open} onOpen={setOpen} />
          )
        }
      </Loaded>
      <Presets mayManage={mayManage} />
      {shown && <SearchSide key={shown.id} alert={shown} preset={presets.data?.find((preset) => preset.id === shown.search_alert.preset)} onEdit={() => setEditing(shown)} onClose={() => setOpen(undefined)} />}
      {open !== undefined && alerts.isSuccess && !shown && (
        <p className="banner" role="status">
          The alert on a search that the address names is deleted.
        </p>
      )}
      {editing !== undefined && <SearchDialog alert={editing === 'new' ? undefined : editing} onDone={() => setEditing(undefined)} onClose={() => setEditing(undefined)} />}
    </Tab>
  )
}

function SearchTable({ list, presets, open, onOpen }: { list: SearchAlert[]; presets: readonly TellingPreset[]; open: string | undefined; onOpen: (id: string) => void }) {
  const { name } = usePeople()
  return (
    <table className="page-table searches-table" aria-label="Alerts on searches">
      <thead>
        <tr>
          <th scope="col">Watched</th>
          <th scope="col">Alert</th>
          <th scope="col">Severity</th>
          <th scope="col">Waits for</th>
          <th scope="col">Tells</th>
          <th scope="col">Last match</th>
          <th scope="col">Last told</th>
          <th scope="col">By</th>
        </tr>
      </thead>
      <tbody>
        {list.map((alert) => {
          const { search_alert: says } = alert
          const preset = presets.find((one) => one.id === says.preset)
          return (
            <tr key={alert.id} className={`${says.is_enabled === false ? 'dimmed' : ''}${alert.id === open ? ' chosen' : ''}`}>
              <td data-label="Watched">
                <SearchSwitch alert={alert} />
              </td>
              <th scope="row" data-label="Alert">
                <span className="stacked">
                  <button type="button" className="row-link" onClick={() => onOpen(alert.id)}>
                    {says.name}
                  </button>
                  <WatchedSearch says={says} />
                </span>
              </th>
              <td data-label="Severity">
                <LevelBadge level={says.severity ?? 'medium'} />
              </td>
              <td data-label="Waits for">
                <Waits says={says} preset={preset} />
              </td>
              <td data-label="Tells">
                <Tells says={says} preset={preset} />
              </td>
              <td data-label="Last match">
                <When iso={alert.last_match_at} />
              </td>
              <td data-label="Last told">
                {alert.last_fired_at === null ? (
                  <When iso={null} />
                ) : (
                  <Link to="/alerts" search={{ status: 'all', rule: alert.rule_id }} className="plain-link" title="Its alerts">
                    <When iso={alert.last_fired_at} />
                  </Link>
                )}
              </td>
              <td data-label="By" className="wrap">
                {name(alert.created_by)}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

export function WatchedSearch({ says }: { says: SearchAlertWrite }) {
  const stream = isStream(says.stream) ? says.stream : 'activity'
  const scope = [...(stream === 'activity' ? [] : [`in ${STREAMS.find(([one]) => one === stream)?.[1] ?? stream}`]), ...(says.space === undefined ? [] : [`space ${says.space}`]), ...(says.region === undefined ? [] : [`region ${says.region}`])]
  return (
    <span className="watched-search small">
      <SearchLink watched={says} className="mono">
        {says.q === undefined || says.q === '' ? 'every event' : says.q}
      </SearchLink>
      {scope.length > 0 && <span className="muted"> {scope.join(', ')}</span>}
    </span>
  )
}

/** What is waited for in words, each different condition once. */
export function Waits({ says, preset }: { says: SearchAlertWrite; preset: TellingPreset | undefined }) {
  const words = [...new Set(triggersOf(says, preset).map((trigger) => [triggerWords(trigger), quietWords(trigger.blackout) ?? ''].join('\n')))]
  return (
    <span className="stacked">
      {words.map((text) => {
        const [first, quiet] = text.split('\n')
        return (
          <span key={text}>
            {first}
            {quiet !== '' && <span className="muted small"> {quiet}</span>}
          </span>
        )
      })}
    </span>
  )
}

function Tells({ says, preset }: { says: SearchAlertWrite; preset: TellingPreset | undefined }) {
  const { isSeen } = useChannels()
  if (says.preset !== undefined) {
    return (
      <span className="stacked">
        <span className="wrap">{preset?.name ?? 'a preset'}</span>
        <span className="muted small">preset</span>
      </span>
    )
  }
  if (says.channels === undefined) return <span className="muted">inbox only</span>
  const channels = [...new Set(says.channels.map((told) => told.channel))]
  if (!isSeen) return <span className="muted">{channels.length === 1 ? '1 channel' : `${channels.length} channels`}</span>
  return (
    <span className="stacked">
      {channels.map((id) => (
        <ChannelName key={id} id={id} />
      ))}
    </span>
  )
}

function SearchSwitch({ alert }: { alert: SearchAlert }) {
  const { rights } = useSigned()
  const changed = useSearchesChanged()
  const { name, is_enabled: isOn = true } = alert.search_alert
  const change = useChange({
    mutationFn: (isEnabled: boolean) => searches.update(alert.id, { ...alert.search_alert, is_enabled: isEnabled }),
    onSuccess: (saved) => {
      notify(`“${saved.search_alert.name}” is ${saved.search_alert.is_enabled === false ? 'off' : 'on'}`)
      changed()
    },
    onError: (error) => notify(error.message),
  })
  const mayManage = rights.may('alerts.manage')
  return (
    <input
      type="checkbox"
      role="switch"
      className="switch"
      aria-label={`Watch “${name}”`}
      title={mayManage ? undefined : 'Needs alerts.manage'}
      checked={change.isPending ? change.variables : isOn}
      disabled={!mayManage}
      aria-busy={change.isPending}
      // Not disabled meanwhile: that would take the focus away.
      onChange={(event) => !change.isPending && change.mutate(event.target.checked)}
    />
  )
}
