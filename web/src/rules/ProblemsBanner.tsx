import { Link } from '@tanstack/react-router'
import { CircleX, TriangleAlert } from 'lucide-react'
import type { PlacedProblem } from '../api/rules'
import type { RuleSummary } from '../api/shapes'
import { placeText } from './problemLines'
import { Words } from '../ui/Words'

/** What is wrong with single rules, one by one. */
export function ProblemsBanner({ problems, rules }: { problems: PlacedProblem[]; rules: RuleSummary[] }) {
  if (problems.length === 0) return null
  const errors = problems.filter((problem) => problem.gravity === 'error').length
  const titles = new Map(rules.map((rule) => [rule.id, rule.title]))
  return (
    <details className={`banner problems ${errors > 0 ? 'error' : 'warning'}`}>
      <summary>
        <TriangleAlert size={14} aria-hidden />
        <strong>{problems.length === 1 ? 'One thing is wrong with a rule' : `${problems.length} things are wrong with rules`}</strong>
        <span>{errors === 0 ? 'All of them run nevertheless.' : errors === 1 ? 'One rule is left out.' : `Up to ${errors} rules are left out.`}</span>
      </summary>
      <ul>
        {problems.map((problem, at) => (
          <li key={at}>
            {problem.gravity === 'error' ? <CircleX size={13} aria-label="error" /> : <TriangleAlert size={13} aria-label="warning" />}
            <span>
              {problem.rule != null &&
                (titles.has(problem.rule) ? (
                  <Link to="/rules/rule/$id" params={{ id: problem.rule }} search={{}} className="row-link">
                    {titles.get(problem.rule)}
                  </Link>
                ) : (
                  <strong>{problem.rule}</strong>
                ))}{' '}
              <Words text={problem.message} />
              <span className="muted small block mono">
                {[problem.file, placeText(problem), problem.code].filter(Boolean).join(' · ')}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
