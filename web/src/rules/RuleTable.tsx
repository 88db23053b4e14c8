import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { memo, useState } from 'react'
import type { PackageSummary, RuleSummary } from '../api/shapes'
import { LevelBadge } from './LevelBadge'
import { sortOf, type RuleFilter, type Sort } from './ruleFilter'
import { RuleSwitch } from './RuleSwitch'
import { kindText } from './words'

/** More than the built-in ones; beyond it a page takes long to be drawn. */
const ROWS_SHOWN = 400

const COLUMNS: readonly { by: Sort; label: string; className?: string }[] = [
  { by: 'on', label: 'Runs' },
  { by: 'title', label: 'Rule' },
  { by: 'level', label: 'Level' },
  { by: 'kind', label: 'Kind' },
  { by: 'package', label: 'Package' },
  { by: 'tests', label: 'Tests', className: 'number' },
]

interface RuleTableProps {
  rules: RuleSummary[]
  packages: PackageSummary[]
  filter: RuleFilter
  onFilter: (change: RuleFilter) => void
}

export function RuleTable({ rules, packages, filter, onFilter }: RuleTableProps) {
  const [isAll, setIsAll] = useState(false)
  const { by, isDown } = sortOf(filter)
  const shown = isAll ? rules : rules.slice(0, ROWS_SHOWN)
  const Arrow = isDown ? ArrowDown : ArrowUp
  return (
    <>
      <table className="page-table rules-table">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column.by} scope="col" className={column.className} aria-sort={column.by === by ? (isDown ? 'descending' : 'ascending') : undefined}>
                <button type="button" className="sort-button" onClick={() => onFilter({ sort: column.by === by && !isDown ? `-${column.by}` : column.by === 'title' ? undefined : column.by })}>
                  {column.label}
                  {column.by === by && <Arrow size={12} aria-hidden />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((rule) => (
            <RuleRow key={rule.id} rule={rule} of={packages.find((one) => one.id === rule.package)} />
          ))}
        </tbody>
      </table>
      {rules.length > shown.length && (
        <button type="button" className="link-button" onClick={() => setIsAll(true)}>
          Show {rules.length - shown.length} more rules
        </button>
      )}
    </>
  )
}

const RuleRow = memo(function RuleRow({ rule, of }: { rule: RuleSummary; of: PackageSummary | undefined }) {
  return (
    <tr className={rule.is_enabled ? '' : 'dimmed'}>
      <td className="rule-runs">
        <RuleSwitch rule={rule} isPackageOff={of?.is_enabled === false} />
      </td>
      <th scope="row">
        <span className="rule-name">
          <Link to="/rules/rule/$id" params={{ id: rule.id }} search={{}} preload={false} className="row-link">
            {rule.title}
          </Link>
          {rule.is_tuned && <span className="tag tag-accent">tuned</span>}
          {rule.is_enabled && !rule.is_reported && (
            <span className="tag tag-line" title="What it matches is no finding of its own: another rule counts it">
              counted by others
            </span>
          )}
        </span>
        <span className="rule-what">{rule.description}</span>
      </th>
      <td className="rule-level">
        <LevelBadge level={rule.level} />
      </td>
      <td className="rule-kind">{kindText(rule.kind)}</td>
      <td className="rule-package">{rule.package == null ? <span className="tag tag-accent">our own</span> : <span title={rule.package}>{of?.title ?? rule.package}</span>}</td>
      <td className="number rule-tests">
        {rule.tests === 0 ? <span className="muted">none</span> : rule.tests}
        <span className="rule-tests-unit"> {rule.tests === 1 ? 'test' : 'tests'}</span>
      </td>
    </tr>
  )
})
