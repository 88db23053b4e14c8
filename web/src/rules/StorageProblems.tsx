import { TriangleAlert } from 'lucide-react'
import type { PackageProblem } from '../api/rules'

/** So many are read at a glance; more are folded. */
const OPEN_MAX = 3

/** What is wrong with rule files in the account's storage that are no package, and with the storage itself. */
export function StorageProblems({ problems }: { problems: PackageProblem[] }) {
  if (problems.length === 0) return null
  return (
    <details className="banner problems warning" open={problems.length <= OPEN_MAX}>
      <summary>
        <TriangleAlert size={14} aria-hidden />
        <strong>{problems.length === 1 ? 'One thing is wrong with rule files in the bucket' : `${problems.length} things are wrong with rule files in the bucket`}</strong>
        <span>What is in force stays in force.</span>
      </summary>
      <ul aria-label="Problems in the bucket">
        {problems.map(({ file, message }, at) => (
          <li key={at}>
            <TriangleAlert size={13} aria-label="warning" />
            <span>
              <strong>{file ?? 'The storage'}</strong>: {message}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
