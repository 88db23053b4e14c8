import { CircleCheck, CircleX, FlaskConical } from 'lucide-react'
import type { RuleTestOutcome } from '../api/shapes'
import { NothingOfFilters } from './NothingOfFilters'
import type { Checked } from './useCheck'

/** What came of the tests that stand beside a rule. */
export function TestsPanel({ checked, only }: { checked: Checked; only?: string | undefined }) {
  const { check, isCurrent, hasErrors, error, isEmpty } = checked
  const tests = check?.tests ?? []
  if (check === undefined) return <p className="empty-line">{error ? 'The tests did not run: what is wrong is said below the text.' : isEmpty ? 'Tests run as you write.' : 'The tests run…'}</p>
  if (tests.length === 0 && checked.isOnlyFilter) return <NothingOfFilters Icon={FlaskConical}>A filter has no tests of its own; those of the rules that it narrows say what still matches.</NothingOfFilters>
  if (tests.length === 0) {
    return (
      <div className="empty-line">
        <FlaskConical size={15} aria-hidden />
        <span>
          {hasErrors ? 'Tests run once the mistakes are mended.' : 'There are no tests yet. Say under '}
          {!hasErrors && <code>tests:</code>}
          {!hasErrors && ' which events must match and which must not; the rule cannot be switched on while one of them fails.'}
        </span>
      </div>
    )
  }
  const rules = [...new Set(tests.map((test) => test.rule_id))].sort((a, b) => Number(b === only) - Number(a === only))
  return (
    <div className={`test-groups${isCurrent ? '' : ' stale'}`}>
      <Sum tests={tests} />
      {rules.map((rule) => (
        <section key={rule} aria-label={`Tests of ${rule}`}>
          {rules.length > 1 && <h4 className="mono muted">{rule}</h4>}
          <ul className="tests">
            {tests.filter((test) => test.rule_id === rule).map((test, at) => (
              <li key={at}>
                {test.passed ? <CircleCheck size={14} className="good" aria-label="passed" /> : <CircleX size={14} className="bad" aria-label="failed" />}
                <span>
                  {test.name}
                  {test.detail != null && <span className={`small block ${test.passed ? 'muted' : 'bad'}`}>{test.detail}</span>}
                </span>
                <span className="muted small">{test.matches === 0 ? 'no match' : test.matches === 1 ? '1 match' : `${test.matches} matches`}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

function Sum({ tests }: { tests: RuleTestOutcome[] }) {
  const failed = tests.filter((test) => !test.passed).length
  return (
    <p className="small" role="status">
      {failed === 0 ? (
        <span className="good">{tests.length === 1 ? 'Its test passes' : `All ${tests.length} tests pass`}</span>
      ) : (
        <span className="bad">
          {failed} of {tests.length} {tests.length === 1 ? 'test fails' : 'tests fail'}
        </span>
      )}
    </p>
  )
}
