/** A query that narrows what somebody may see, checked by the server while it is typed. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { useSettled } from '../ui/hooks'
import { Words } from '../ui/Words'

interface QueryFieldProps {
  id: string
  value: string
  onChange: (value: string) => void
}

export function useQueryCheck(text: string) {
  const settled = useSettled(text, 300)
  const check = useQuery({ queryKey: ['check', settled], queryFn: ({ signal }) => api.check(settled, signal), enabled: settled.trim() !== '', retry: false, staleTime: Infinity })
  const isCurrent = settled === text
  return {
    problem: isCurrent && check.error instanceof Problem && check.error.status === 400 ? check.error : undefined,
    canonical: isCurrent && text.trim() !== '' ? check.data?.canonical : undefined,
  }
}

export function QueryField({ id, value, onChange }: QueryFieldProps) {
  const { problem, canonical } = useQueryCheck(value)
  return (
    <div className="field">
      <label htmlFor={id}>Only what this query matches (optional)</label>
      <input
        id={id}
        type="text"
        className="field-input mono"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="service:==kms -severity:==critical"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-note`}
      />
      <div id={`${id}-note`} className={problem ? 'field-error' : 'field-hint'} role="status">
        {problem ? (
          <>
            {problem.position !== undefined && (
              <span className="mono query-place" aria-hidden>
                {value.slice(0, problem.position)}
                <mark>{value.slice(problem.position, problem.position + problem.length) || ' '}</mark>
                {value.slice(problem.position + problem.length)}
              </span>
            )}
            {problem.position !== undefined && <span className="visually-hidden">At character {problem.position + 1}: </span>}
            <Words text={problem.message} />
          </>
        ) : canonical !== undefined ? (
          'The query is understood.'
        ) : (
          'Empty: everything that the role lets them see.'
        )}
      </div>
    </div>
  )
}
