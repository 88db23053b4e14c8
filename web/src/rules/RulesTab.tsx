/** Every rule of the account, of packages and its own, to be found, switched and opened. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { Plus, Radar, SearchX } from 'lucide-react'
import { useDeferredValue, useMemo } from 'react'
import type { PackageSummary, RuleList } from '../api/shapes'
import { useSigned } from '../session/me'
import { maySee } from '../session/rights'
import { historyOf } from '../settings/History'
import { Tab } from '../settings/Tab'
import { useFindingDays } from '../start/queries'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { DetectionLine } from './DetectionLine'
import { ProblemsBanner } from './ProblemsBanner'
import { usePackages, useRules } from './queries'
import { filtered, isFiltered, type RuleFilter } from './ruleFilter'
import { RuleFilters } from './RuleFilters'
import { RuleTable } from './RuleTable'
import { rulesText } from './words'

const route = getRouteApi('/shell/rules/')
const NO_PACKAGES: PackageSummary[] = []
/** Of the sparkline in the list. */
const DAYS = 14

export function RulesTab() {
  const { rights } = useSigned()
  const list = useRules()
  const packages = usePackages().data?.packages ?? NO_PACKAGES
  return (
    <Tab
      title="Rules"
      lead="What is looked for in every event that comes in."
      need={['rules.read']}
      history={historyOf(['rule'])}
      action={
        rights.may('rules.manage') && (
          <Link to="/rules/new" search={{}} className="button primary">
            <Plus size={14} aria-hidden /> New rule
          </Link>
        )
      }
    >
      <Loaded query={list}>{(data) => <Found data={data} packages={packages} />}</Loaded>
    </Tab>
  )
}

function Found({ data, packages }: { data: RuleList; packages: PackageSummary[] }) {
  const { rights } = useSigned()
  const filter: RuleFilter = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: RuleFilter): void => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })
  // Typing stays quick: the table follows when there is time.
  const settled = useDeferredValue(filter)
  // Whoever may not see findings has no column of them.
  const days = useFindingDays(DAYS, maySee(rights, '/')).data
  const found = useMemo(() => days && new Map(days.rules.map((rule) => [rule.rule_id, rule])), [days])
  const shown = useMemo(() => filtered(data.rules, settled, found), [data.rules, settled, found])
  if (data.rules.length === 0) {
    return (
      <>
        <ProblemsBanner problems={data.problems} rules={data.rules} />
        <Empty Icon={Radar} title="No rules yet">
          <p>{rights.may('rules.manage') ? 'Write the first, or install a package of rules that others wrote.' : 'Somebody who may manage rules writes the first.'}</p>
          {rights.may('rules.manage') && (
            <div className="state-actions">
              <Link to="/rules/new" search={{}} className="button primary">
                New rule
              </Link>
              <Link to="/rules/packages" search={{}} className="button">
                Packages
              </Link>
            </div>
          )}
        </Empty>
      </>
    )
  }
  return (
    <>
      <DetectionLine status={data.detection} />
      <ProblemsBanner problems={data.problems} rules={data.rules} />
      <RuleFilters rules={data.rules} packages={packages} filter={filter} shown={shown} onChange={set} />
      {shown.length === 0 ? (
        <Empty Icon={SearchX} title="No rule is like that">
          <p>Titles, ids, descriptions, kinds and techniques are searched, together with the limits above.</p>
          {isFiltered(filter) && (
            <div className="state-actions">
              <button type="button" className="button" onClick={() => set({ find: undefined, package: undefined, level: undefined, state: undefined })}>
                Show all: {rulesText(data.rules)}
              </button>
            </div>
          )}
        </Empty>
      ) : (
        <RuleTable rules={shown} found={found} days={DAYS} packages={packages} filter={settled} onFilter={set} />
      )}
    </>
  )
}
