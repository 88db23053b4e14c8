import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, TriangleAlert } from 'lucide-react'
import { memo, useState } from 'react'
import type { PackageSummary, RuleDays, RuleSummary } from '../api/shapes'
import { count } from '../ui/number'
import { Sparkline } from '../ui/Sparkline'
import { Words } from '../ui/Words'
import { FilterTag } from './FilterTag'
import { LevelBadge } from './LevelBadge'
import { isCounted, sortOf, type Found, type RuleFilter, type Sort } from './ruleFilter'
import { RuleSwitch } from './RuleSwitch'
import { isFilter, kindText, rulesText } from './words'

/** More than the built-in ones; beyond it a page takes long to be drawn. */
const ROWS_SHOWN = 400

interface Column {
  by: Sort
  label: string
  className?: string
  /** The most is asked for first. */
  isDownFirst?: boolean
}

const COLUMNS: readonly Column[] = [
  { by: 'on', label: 'Runs' },
  { by: 'title', label: 'Rule' },
  { by: 'level', label: 'Level' },
  { by: 'kind', label: 'Kind' },
  { by: 'package', label: 'Package' },
  { by: 'tests', label: 'Tests', className: 'number' },
]

interface RuleTableProps {
  rules: RuleSummary[]
  /** What each found in so many days; nothing for who may not see it, and until it is known. */
  found: Found | undefined
  days: number
  packages: PackageSummary[]
  filter: RuleFilter
  onFilter: (change: RuleFilter) => void
}

export function RuleTable({ rules, found, days, packages, filter, onFilter }: RuleTableProps) {
  const [isAll, setIsAll] = useState(false)
  const { by, isDown } = sortOf(filter)
  const shown = isAll ? rules : rules.slice(0, ROWS_SHOWN)
  const columns = found ? [...COLUMNS, { by: 'found', label: `Last ${days} days`, className: 'rule-found', isDownFirst: true } satisfies Column] : COLUMNS
  const Arrow = isDown ? ArrowDown : ArrowUp
  return (
    <>
      <table className={`page-table rules-table${found ? ' with-found' : ''}`} aria-label="Rules">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.by} scope="col" className={column.className} aria-sort={column.by === by ? (isDown ? 'descending' : 'ascending') : undefined}>
                <button type="button" className="sort-button" onClick={() => onFilter({ sort: nextSort(column, by, isDown) })}>
                  {column.label}
                  {column.by === by && <Arrow size={12} aria-hidden />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((rule) => (
            <RuleRow key={rule.id} rule={rule} hasFound={found !== undefined} found={found?.get(rule.id)} of={packages.find((one) => one.id === rule.package)} />
          ))}
        </tbody>
      </table>
      {rules.length > shown.length && (
        <button type="button" className="link-button" onClick={() => setIsAll(true)}>
          Show {rulesText(rules.slice(shown.length))} more
        </button>
      )}
    </>
  )
}

/** The column again turns round; another begins with its usual end. The default needs no place in the address. */
function nextSort({ by: column, isDownFirst = false }: Column, by: Sort, isDown: boolean): string | undefined {
  const down = column === by ? !isDown : isDownFirst
  return down ? `-${column}` : column === 'title' ? undefined : column
}

interface RuleRowProps {
  rule: RuleSummary
  of: PackageSummary | undefined
  hasFound: boolean
  found: RuleDays | undefined
}

const RuleRow = memo(function RuleRow({ rule, of, hasFound, found }: RuleRowProps) {
  const isOnlyFilter = isFilter(rule)
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
          {isOnlyFilter && <FilterTag />}
          {rule.problem != null && <span className="tag tag-warn">{isOnlyFilter ? 'does not apply' : 'does not run'}</span>}
          {rule.is_tuned && <span className="tag tag-accent">tuned</span>}
          {isCounted(rule) && (
            <span className="tag tag-line" title="What it matches is no finding of its own: another rule counts it">
              counted by others
            </span>
          )}
        </span>
        <span className="rule-what">{rule.description}</span>
        {rule.problem != null && (
          <span className="rule-problem">
            <TriangleAlert size={12} aria-hidden /> <Words text={rule.problem} />
          </span>
        )}
      </th>
      <td className="rule-level">
        {isOnlyFilter ? <NotOfFilters what="level" /> : <LevelBadge level={rule.level} />}
      </td>
      <td className="rule-kind">{kindText(rule.kind)}</td>
      <td className="rule-package">{rule.package == null ? <span className="tag tag-accent">our own</span> : <span title={rule.package}>{of?.title ?? rule.package}</span>}</td>
      <td className="number rule-tests">
        {isOnlyFilter ? (
          <NotOfFilters what="tests" />
        ) : (
          <>
            {rule.tests === 0 ? <span className="muted">none</span> : rule.tests}
            <span className="rule-tests-unit"> {rule.tests === 1 ? 'test' : 'tests'}</span>
          </>
        )}
      </td>
      {hasFound && <td className="rule-found">{isOnlyFilter ? <NotOfFilters what="findings" /> : found ? <FoundDays {...found} /> : <span className="muted rule-found-none">none</span>}</td>}
    </tr>
  )
})

/** What rules have and filters have not. */
function NotOfFilters({ what }: { what: string }) {
  return (
    <span className="muted not-of-filters" title={`A filter has no ${what}`}>
      <span aria-hidden>–</span>
      <span className="visually-hidden">no {what}</span>
    </span>
  )
}

/** Findings by day, how many, and how much of it was noise to people. */
function FoundDays({ found, silenced }: RuleDays) {
  const total = found.reduce((sum, day) => sum + day, 0)
  return (
    <span className="rule-found-days" title={`${count(total)} ${total === 1 ? 'finding' : 'findings'}${silenced > 0 ? `, ${count(silenced)} silenced by exceptions` : ''}`}>
      <Sparkline values={found} width={70} height={20} />
      <span>
        {count(total)}
        <span className="visually-hidden"> {total === 1 ? 'finding' : 'findings'}</span>
        {silenced > 0 && <span className="rule-noise">{Math.round((silenced / total) * 100)}% silenced</span>}
      </span>
    </span>
  )
}
