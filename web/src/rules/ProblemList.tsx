import { CircleCheck, CircleX, LoaderCircle, TriangleAlert } from 'lucide-react'
import { Words } from '../ui/Words'
import type { EditorHandle } from './YamlEditor'
import type { Checked } from './useCheck'

/** What of a text can be used. */
function usableText({ rules, filters }: Checked['usable']): string {
  if (filters === 0) return rules === 0 ? 'No rule yet' : rules === 1 ? 'The rule can be used' : `${rules} rules, all can be used`
  if (rules === 0) return filters === 1 ? 'The filter can be used' : `${filters} filters, all can be used`
  return `${rules} ${rules === 1 ? 'rule' : 'rules'} and ${filters} ${filters === 1 ? 'filter' : 'filters'}, all can be used`
}

/** What is wrong with a text, from the top, each leading to its line. */
export function ProblemList({ id, checked, editor }: { id: string; checked: Checked; editor: React.RefObject<EditorHandle | null> }) {
  const { lines, isCurrent, error, isEmpty, again, check, usable } = checked
  const errors = lines.filter((problem) => problem.isError).length
  return (
    <div className="yaml-problems" id={id}>
      <p className="yaml-verdict small" role="status">
        {error ? (
          <span className="warn">
            <TriangleAlert size={13} aria-hidden /> Not checked: <Words text={error.message} />
            <button type="button" className="link-button" onClick={again}>
              Try again
            </button>
          </span>
        ) : isEmpty ? (
          <span className="muted">Nothing to check yet</span>
        ) : !isCurrent || check === undefined ? (
          <span className="muted">
            <LoaderCircle size={13} className="spinning" aria-hidden /> Checking…
          </span>
        ) : errors > 0 ? (
          <span className="bad">
            <CircleX size={13} aria-hidden /> {errors === 1 ? 'One mistake' : `${errors} mistakes`}
          </span>
        ) : lines.length > 0 ? (
          <span className="warn">
            <TriangleAlert size={13} aria-hidden /> It can be used, with {lines.length === 1 ? 'one warning' : `${lines.length} warnings`}
          </span>
        ) : (
          <span className="good">
            <CircleCheck size={13} aria-hidden /> {usableText(usable)}
          </span>
        )}
      </p>
      {lines.length > 0 && (
        <ul aria-label="Problems">
          {lines.map((problem, at) => (
            <li key={at} className={problem.isError ? 'bad' : 'warn'}>
              <button type="button" className="link-button" onClick={() => editor.current?.goTo(problem.line)}>
                line {problem.line}
              </button>
              <span>
                <span className="visually-hidden">{problem.isError ? 'Mistake: ' : 'Warning: '}</span>
                <Words text={problem.message} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
