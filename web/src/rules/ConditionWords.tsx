import type { EventConditions } from '../api/shapes'
import { namedCondition } from './ruleForm'

/** An exception’s conditions in words; all of them must hold. */
export function ConditionWords({ events }: { events: EventConditions }) {
  return (
    <ul className="condition-words">
      {Object.entries(events).map(([name, values]) => {
        const { field, how } = namedCondition(name)
        return (
          <li key={name}>
            <code>{field}</code> <span className="muted">{how}</span>{' '}
            {values.map((value, at) => (
              <span key={at}>
                {at > 0 && <span className="muted"> or </span>}
                <code>{String(value)}</code>
              </span>
            ))}
          </li>
        )
      })}
    </ul>
  )
}
