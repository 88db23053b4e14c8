import { Link } from '@tanstack/react-router'
import { Check, Clock, X, type LucideIcon } from 'lucide-react'
import type { AlertDetail } from '../api/shapes'
import { useSigned } from '../session/me'
import { SEES_CHANNELS } from '../session/rights'
import { Ago } from '../ui/When'
import { momentWords } from './words'

/** Which channels were told of an alert. */
export function Told({ deliveries }: { deliveries: AlertDetail['deliveries'] }) {
  const { rights } = useSigned()
  const mayManage = rights.may('channels.manage')
  return (
    <section className="alert-part">
      <div className="panel-head">
        <h3>Channels told</h3>
        <span className="spring" />
        {rights.mayAny(SEES_CHANNELS) && (
          <Link to="/settings/notifications" search={{}} className="link-button">
            Channels
          </Link>
        )}
      </div>
      {deliveries.length === 0 ? (
        <p className="muted small">None: {mayManage ? 'no channel takes such alerts yet, or they are silent.' : 'no channel takes such alerts, or they are silent.'}</p>
      ) : (
        <ul className="told-list">
          {deliveries.map((delivery) => (
            <li key={`${delivery.channel} ${delivery.moment} ${delivery.created_at}`}>
              <DeliveryMark state={delivery.state} />
              <span>
                <strong>{delivery.channel}</strong> <span className="muted">{momentWords(delivery.moment)}</span>
              </span>
              <span className="muted small">
                <Ago iso={delivery.created_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

interface State {
  Icon: LucideIcon
  className: 'good' | 'pending' | 'bad'
  word: string
}

const STATES: Partial<Record<string, State>> = { delivered: { Icon: Check, className: 'good', word: 'delivered' }, waiting: { Icon: Clock, className: 'pending', word: 'waits' }, failed: { Icon: X, className: 'bad', word: 'failed' } }

/** How a delivery stands, as an icon and a word. */
export function DeliveryMark({ state }: { state: string }) {
  const { Icon, className, word } = STATES[state] ?? { Icon: Clock, className: 'pending', word: state }
  return (
    <span className={`delivery-mark ${className}`}>
      <Icon size={13} strokeWidth={2.4} aria-hidden /> {word}
    </span>
  )
}
