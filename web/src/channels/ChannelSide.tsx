/** One channel with what it is told, a test, and its log of deliveries. */
import { useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pencil, Send, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { DeliveryMark } from '../alerts/Told'
import { momentWords } from '../alerts/words'
import { hoverTime } from '../activity/time'
import { alerts } from '../api/alerts'
import type { Channel, Delivery, DeliveryList } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { History, historyOf } from '../settings/History'
import { Side } from '../settings/Side'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { count } from '../ui/number'
import { When } from '../ui/When'
import { severityWords } from './channelForm'
import { KINDS, leadsTo } from './kinds'

const LOG_MS = 5000

interface ChannelSideProps {
  channel: Channel
  onEdit: () => void
  onClose: () => void
}

export function ChannelSide({ channel, onEdit, onClose }: ChannelSideProps) {
  const client = useQueryClient()
  const { rights } = useSigned()
  const mayManage = rights.may('channels.manage')
  const [isDeleting, setIsDeleting] = useState(false)
  const logHead = useRef<HTMLHeadingElement>(null)
  const log = useInfiniteQuery({
    queryKey: ['channels', channel.id, 'deliveries'],
    queryFn: ({ pageParam, signal, client: cache }) => alerts.deliveries(channel.id, pageParam, !isAsked(cache.getQueryData(['channels', channel.id, 'deliveries']), pageParam), signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    // Every page is asked for anew, so that none misses what moved on: as often in all as a single one.
    refetchInterval: ({ state }) => LOG_MS * Math.max(1, state.data?.pages.length ?? 1),
  })
  const deliveries = log.data?.pages.flatMap((page) => page.deliveries) ?? []
  const older = async (): Promise<void> => {
    const { hasNextPage } = await log.fetchNextPage()
    // With the last page the button goes, and its focus.
    if (!hasNextPage) logHead.current?.focus()
  }
  const test = useChange({
    mutationFn: () => alerts.testChannel(channel.id),
    onSettled: () => client.invalidateQueries({ queryKey: ['channels'] }),
  })
  const { label, Icon } = KINDS[channel.receiver.type]
  return (
    <Side
      label="Channel"
      title={channel.name}
      sub={
        <span className="with-icon channel-sub">
          <Icon size={14} aria-hidden /> {label}
          {!channel.is_enabled && <span className="tag">off</span>}
        </span>
      }
      onClose={onClose}
    >
      <section>
        {channel.description !== '' && <p>{channel.description}</p>}
        <dl className="rows">
          <div>
            <dt>Leads to</dt>
            <dd className="mono small wrap">{leadsTo(channel.receiver)}</dd>
          </div>
          <div>
            <dt>Is told of</dt>
            <dd>{severityWords(channel.severities)}</dd>
          </div>
          <div>
            <dt>From</dt>
            <dd>{channel.sources.length === 0 ? 'every provider' : channel.sources.map((source) => `${source.provider === 'ALL' ? 'every provider' : source.provider}: ${(source.finding_types ?? ['ALL']).join(', ').replace('ALL', 'every type')}`).join('; ')}</dd>
          </div>
          <div>
            <dt>At most</dt>
            <dd>
              {count(channel.rate_limit)} notices an hour, times in {channel.time_zone}
            </dd>
          </div>
          <div>
            <dt>Made</dt>
            <dd>
              <When iso={channel.created_at} /> <span className="muted">by {channel.created_by}</span>
            </dd>
          </div>
        </dl>
        {mayManage && (
          <div className="deeds">
            <button type="button" className="button primary" aria-disabled={test.isPending} onClick={() => !test.isPending && test.mutate()}>
              <Send size={14} aria-hidden /> {test.isPending ? 'Waiting for the answer…' : 'Send a test'}
            </button>
            <button type="button" className="button" onClick={onEdit}>
              <Pencil size={14} aria-hidden /> Change
            </button>
            <button type="button" className="button danger" onClick={() => setIsDeleting(true)}>
              <Trash2 size={14} aria-hidden /> Delete
            </button>
          </div>
        )}
        <ChangeError error={test.error} />
        {test.data && <TestAnswer delivery={test.data} />}
      </section>
      <section>
        <h3 ref={logHead} tabIndex={-1}>
          Deliveries
        </h3>
        <Loaded query={log}>
          {() =>
            deliveries.length === 0 ? (
              <p className="muted small">None yet.{mayManage && ' Send a test to see whether it arrives.'}</p>
            ) : (
              <ol className="delivery-log" aria-label="Deliveries">
                {deliveries.map((delivery) => (
                  <DeliveryItem key={delivery.id} delivery={delivery} />
                ))}
              </ol>
            )
          }
        </Loaded>
        {log.hasNextPage ? (
          <button type="button" className="button small older-deliveries" aria-disabled={log.isFetchingNextPage} onClick={() => !log.isFetchingNextPage && void older()}>
            {log.isFetchingNextPage ? 'Loading…' : 'Older deliveries'}
          </button>
        ) : (
          (log.data?.pages.length ?? 0) > 1 && <p className="muted small">That is all: deliveries are kept for 30 days, at most 2,000 of a channel.</p>
        )}
      </section>
      {rights.may('audit.read') && (
        <section>
          <h3>History</h3>
          <History q={historyOf(['channel'], channel.id)} isCompact />
        </section>
      )}
      {isDeleting && (
        <Confirm
          title={`Delete “${channel.name}”?`}
          action="Delete"
          keep="Keep it"
          change={() => alerts.deleteChannel(channel.id)}
          onClose={() => setIsDeleting(false)}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ['channels'], exact: true })
            notify(`“${channel.name}” is deleted`)
            onClose()
          }}
        >
          <p>It is told nothing more, its secrets and its log of deliveries are gone for good, and what still waits to be delivered is let go.</p>
        </Confirm>
      )}
    </Side>
  )
}

/** Whether a page is asked for by the person: the first at first, or the one after those that are shown. */
const isAsked = (log: InfiniteData<DeliveryList> | undefined, cursor: string): boolean => log === undefined || (cursor !== '' && log.pages.at(-1)?.next_cursor === cursor)

/** What the receiver said to a test. */
function TestAnswer({ delivery }: { delivery: Delivery }) {
  const attempt = delivery.attempts.at(-1)
  const went = delivery.state === 'delivered'
  return (
    <div className={`test-answer${went ? ' is-good' : ' is-bad'}`} role="status">
      <p>
        <strong>{went ? 'The test arrived' : 'The test did not arrive'}</strong>
        {attempt?.status != null && <span className="mono">{attempt.status}</span>}
        {attempt && <span className="muted small">{count(attempt.took_ms)} ms</span>}
      </p>
      {attempt && attempt.answer !== '' && <pre className="mono">{attempt.answer}</pre>}
    </div>
  )
}

const OUTCOMES: Record<string, string> = { delivered: 'delivered', failed: 'failed, is tried again', refused: 'given up', merged: 'told with others' }

function DeliveryItem({ delivery }: { delivery: Delivery }) {
  const { rights } = useSigned()
  const last = delivery.attempts.at(-1)
  return (
    <li>
      <details>
        <summary>
          <DeliveryMark state={delivery.state} />
          <span className="delivery-what">
            {delivery.moment === 'test' ? 'Test' : delivery.summary || 'An alert'}
            <span className="muted small">
              {delivery.moment !== 'test' && `${momentWords(delivery.moment)} · `}
              {delivery.attempts.length === 0 ? 'not tried yet' : delivery.attempts.length === 1 ? `1 try${last?.status != null ? `, ${last.status}` : ''}` : `${delivery.attempts.length} tries${last?.status != null ? `, ${last.status}` : ''}`}
            </span>
          </span>
          <span className="small">
            <When iso={delivery.created_at} />
          </span>
        </summary>
        <div className="delivery-tries">
          {delivery.attempts.map((attempt) => (
            <div key={attempt.at} className="delivery-try">
              <p className="small">
                <time dateTime={attempt.at} title={hoverTime(attempt.at)}>
                  <When iso={attempt.at} />
                </time>{' '}
                · {attempt === last && attempt.outcome === 'failed' && delivery.due_at === null ? 'failed' : (OUTCOMES[attempt.outcome] ?? attempt.outcome)}
                {attempt.status != null && <span className="mono"> {attempt.status}</span>} · {count(attempt.took_ms)} ms
              </p>
              {attempt.answer !== '' && <pre className="mono">{attempt.answer}</pre>}
            </div>
          ))}
          {delivery.due_at !== null && (
            <p className="small">
              Tried next <When iso={delivery.due_at} />
            </p>
          )}
          {delivery.alert !== null && rights.may('alerts.read') && (
            <Link to="/alerts/$id" params={{ id: delivery.alert }} search={{ status: 'all' }} className="link-button">
              Open the alert
            </Link>
          )}
        </div>
      </details>
    </li>
  )
}
