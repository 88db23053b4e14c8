import type { Checked } from './useCheck'

/** How many of a text's tests pass, beside the word. */
export function TestCount({ checked }: { checked: Checked }) {
  const tests = checked.check?.tests ?? []
  if (tests.length === 0) return null
  const failed = tests.filter((test) => !test.passed).length
  return (
    <span className={`tab-count${failed > 0 ? ' is-bad' : ''}`}>
      {tests.length - failed}/{tests.length}
      <span className="visually-hidden"> pass</span>
    </span>
  )
}
