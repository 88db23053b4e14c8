import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { PackageSummary, RuleSummary } from '../api/shapes'
import { useSettled, useShortcuts } from '../ui/hooks'
import { counts, isFiltered, levelOf, OWN, STATE_WORDS, STATES, type RuleFilter } from './ruleFilter'
import { isFilter, LEVELS, rulesText } from './words'

interface RuleFiltersProps {
  rules: RuleSummary[]
  packages: PackageSummary[]
  filter: RuleFilter
  /** Those that are shown. */
  shown: RuleSummary[]
  onChange: (change: RuleFilter) => void
}

const SETTLE_MS = 120

export function RuleFilters({ rules, packages, filter, shown, onChange }: RuleFiltersProps) {
  const box = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(filter.find ?? '')
  const settled = useSettled(typed, SETTLE_MS)
  const sent = useRef(filter.find ?? '')
  useEffect(() => {
    if (settled === sent.current) return
    sent.current = settled
    onChange({ find: settled === '' ? undefined : settled })
  }, [settled, onChange])
  useEffect(() => {
    // The address may change by itself: back, or a button that shows all.
    if ((filter.find ?? '') === sent.current) return
    sent.current = filter.find ?? ''
    setTyped(sent.current)
  }, [filter.find])
  useShortcuts({
    '/': (event) => {
      event.preventDefault()
      box.current?.focus()
    },
  })
  const byPackage = counts(rules, (rule) => rule.package ?? OWN)
  const byLevel = counts(rules, levelOf)
  const title = (id: string): string => (id === OWN ? 'Our own' : (packages.find((one) => one.id === id)?.title ?? id))
  return (
    <div className="rule-filters">
      <div className="filter-box">
        <Search size={14} aria-hidden />
        <input ref={box} type="search" className="field-input" aria-label="Find a rule" placeholder="Find a rule  /" autoComplete="off" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />
      </div>
      <Choice label="Package" all="All packages" value={filter.package} options={[...byPackage.keys()].sort((a, b) => title(a).localeCompare(title(b))).map((id) => [id, `${title(id)} (${byPackage.get(id) ?? 0})`])} onChange={(value) => onChange({ package: value })} />
      <Choice label="Level" all="All levels" value={filter.level} options={LEVELS.filter((level) => byLevel.has(level)).map((level) => [level, `${level} (${byLevel.get(level) ?? 0})`])} onChange={(value) => onChange({ level: value })} />
      <Choice label="State" all="Any state" value={filter.state} options={STATES.filter((state) => state !== 'filters' || filter.state === 'filters' || rules.some(isFilter)).map((state) => [state, STATE_WORDS[state]])} onChange={(value) => onChange({ state: value })} />
      <span className="muted small rule-count" role="status">
        {rulesText(rules, isFiltered(filter) ? shown : undefined)}
      </span>
    </div>
  )
}

interface ChoiceProps {
  label: string
  /** What it is called when nothing is chosen. */
  all: string
  value: string | undefined
  options: [value: string, label: string][]
  onChange: (value: string | undefined) => void
}

function Choice({ label, all, value, options, onChange }: ChoiceProps) {
  return (
    <select className="field-input" aria-label={label} value={value ?? ''} data-chosen={value !== undefined} onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}>
      <option value="">{all}</option>
      {options.map(([id, text]) => (
        <option key={id} value={id}>
          {text}
        </option>
      ))}
    </select>
  )
}
