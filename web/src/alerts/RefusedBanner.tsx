import { useActing, type Refused } from './acting'
import { Words } from '../ui/Words'

/** Acts that were not done, and why: mostly that somebody else was quicker. */
export function RefusedBanner({ refused }: { refused: readonly Refused[] }) {
  const acting = useActing()
  if (refused.length === 0) return null
  const isConflict = refused.some((one) => one.problem.status === 409)
  return (
    <div className="banner error inbox-banner" role="alert">
      {refused.length === 1 ? <p>Nothing was done to “{refused[0]?.alert.rule_title}”: <Words text={refused[0]?.problem.message ?? ''} />.</p> : <p>Nothing was done to {refused.length} alerts:</p>}
      {refused.length > 1 && (
        <ul className="refused-list">
          {refused.map(({ alert, problem }) => (
            <li key={alert.id}>
              “{alert.rule_title}”: <Words text={problem.message} />
            </li>
          ))}
        </ul>
      )}
      <button type="button" className="button small" onClick={acting.again}>
        {isConflict ? 'Load it as it is now' : 'Load again'}
      </button>
    </div>
  )
}
