import { CircleCheck, CircleX, LoaderCircle, TriangleAlert } from 'lucide-react'
import type { EditorHandle } from './YamlEditor'
import type { Checked } from './useCheck'

/** What is wrong with a text, from the top, each leading to its line. */
export function ProblemList({ id, checked, editor }: { id: string; checked: Checked; editor: React.RefObject<EditorHandle | null> }) {
  const { lines, isCurrent, error, check } = checked
  const errors = lines.filter((problem) => problem.isError).length
  return (
    <div className="yaml-problems" id={id}>
      <p className="yaml-verdict small" role="status">
        {error ? (
          <span className="warn">
            <TriangleAlert size={13} aria-hidden /> Not checked: {error.message}
          </span>
        ) : !isCurrent ? (
          <span className="muted">
            <LoaderCircle size={13} className={check === undefined ? undefined : 'spinning'} aria-hidden /> {check === undefined ? 'Nothing to check yet' : 'Checking…'}
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
            <CircleCheck size={13} aria-hidden /> {check?.rules.length === 0 ? 'No rule yet' : check?.rules.length === 1 ? 'The rule can be used' : `${check?.rules.length ?? 0} rules, all can be used`}
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
                {problem.message}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
