/** For whom nothing is told for some time: rules, severities, or values that findings have in common. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { BellOff, Plus } from 'lucide-react'
import { useState } from 'react'
import { alerts } from '../api/alerts'
import type { Silence } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { useRules } from '../rules/queries'
import { SearchName } from '../searches/OfSearch'
import { searchOfRule } from '../searches/words'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { Tab } from '../settings/Tab'
import { Confirm } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { useNow } from '../ui/hooks'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { usePeople } from './people'
import { CreateSilence } from './CreateSilence'

export function SilencesTab() {
  const { rights } = useSigned()
  const silences = useQuery({ queryKey: ['silences'], queryFn: ({ signal }) => alerts.silences(signal), enabled: rights.may('alerts.read') })
  const [isCreating, setIsCreating] = useState(false)
  useRowsLeave(silences.data?.length)
  const mayManage = rights.may('alerts.manage')
  return (
    <Tab
      title="Silences"
      lead="Whose alerts no channel is told of for some time. They come and count as before."
      need={['alerts.read']}
      history={historyOf(['silence'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setIsCreating(true)}>
            <Plus size={14} aria-hidden /> Make a silence
          </button>
        )
      }
    >
      <Loaded query={silences}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={BellOff} title="No silences">
              <p>Channels are told of every alert that they take. {mayManage ? 'Make a silence before something noisy that is planned; it says why, and ends by itself.' : ''}</p>
            </Empty>
          ) : (
            <SilenceTable silences={list} mayManage={mayManage} />
          )
        }
      </Loaded>
      {isCreating && <CreateSilence onClose={() => setIsCreating(false)} />}
    </Tab>
  )
}

function SilenceTable({ silences, mayManage }: { silences: Silence[]; mayManage: boolean }) {
  const client = useQueryClient()
  const now = useNow()
  const { name } = usePeople()
  const [deleting, setDeleting] = useState<Silence | undefined>()
  // What holds stands first, the one that ends first before the others.
  const sorted = [...silences].sort((a, b) => Number(a.is_ended) - Number(b.is_ended) || (a.is_ended ? -1 : 1) * (Date.parse(a.until) - Date.parse(b.until)))
  return (
    <>
      <table className="page-table silences-table" aria-label="Silences">
        <thead>
          <tr>
            <th scope="col">Of what</th>
            <th scope="col">Why</th>
            <th scope="col">By</th>
            <th scope="col">From</th>
            <th scope="col">Until</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((silence) => (
            <tr key={silence.id} className={silence.is_ended ? 'dimmed' : ''}>
              <th scope="row" data-label="Of what">
                <SilenceMatch silence={silence} />
              </th>
              <td data-label="Why">{silence.reason}</td>
              <td data-label="By">{name(silence.by)}</td>
              <td data-label="From">
                <When iso={silence.from} />
              </td>
              <td data-label="Until">
                <span className="stacked">
                  {silence.is_ended ? <span className="tag">ended</span> : Date.parse(silence.from) > now && <span className="tag">not yet</span>}
                  <When iso={silence.until} />
                </span>
              </td>
              <td className="row-action">
                {mayManage && (
                  <button type="button" className={`button small${silence.is_ended ? '' : ' danger'}`} aria-label={`${silence.is_ended ? 'Delete' : 'End'} the silence: ${silence.reason}`} onClick={() => setDeleting(silence)}>
                    {silence.is_ended ? 'Delete' : 'End'}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {deleting && (
        <Confirm
          title={deleting.is_ended ? 'Delete the silence?' : 'End the silence?'}
          action={deleting.is_ended ? 'Delete' : 'End it'}
          keep="Keep it"
          isGrave={deleting.is_ended}
          change={() => alerts.deleteSilence(deleting.id)}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ['silences'] })
            void client.invalidateQueries({ queryKey: ['history'] })
            notify(deleting.is_ended ? 'The silence is deleted' : 'The silence is ended')
            setDeleting(undefined)
          }}
        >
          <p>
            “{deleting.reason}” {deleting.is_ended ? 'holds no more; the audit log keeps who made it.' : 'holds no more from now on: channels are told of such alerts again.'}
          </p>
        </Confirm>
      )}
    </>
  )
}

function SilenceMatch({ silence }: { silence: Silence }) {
  return (
    <span className="silence-match">
      {silence.rule_ids.map((id) => (
        <RuleName key={id} id={id} />
      ))}
      {silence.severities.length > 0 && (
        <span className="tags">
          {silence.severities.map((level) => (
            <LevelBadge key={level} level={level} />
          ))}
        </span>
      )}
      {silence.group.map((pair) => (
        <span key={pair.key} className="mono small wrap">
          {pair.key} = {pair.value}
        </span>
      ))}
    </span>
  )
}

function RuleName({ id }: { id: string }) {
  const { rights } = useSigned()
  const search = searchOfRule(id)
  const title = useRules().data?.rules.find((rule) => rule.id === id)?.title ?? id
  // Who may read alerts may know what their search is called; titles of rules are for who may read these.
  if (search !== undefined) return <SearchName id={search} />
  if (!rights.may('rules.read')) return <span className="mono small wrap">{id}</span>
  return (
    <Link to="/rules/rule/$id" params={{ id }} search={{}} preload={false} className="row-link">
      {title}
    </Link>
  )
}
