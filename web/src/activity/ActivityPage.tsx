/** Activity: what sources tell of the account and its spaces; or what was found in it or is unusual, where the address asks for that. */
import { getRouteApi } from '@tanstack/react-router'
import { Gate } from '../session/Gate'
import { READS_EVENTS } from '../session/rights'
import { Explorer } from './Explorer'
import { ACTIVITY, FINDINGS, INSIGHTS } from './preset'

const route = getRouteApi('/shell/activity')
const PRESETS = { findings: FINDINGS, insights: INSIGHTS }

export function ActivityPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Gate need={search.stream === 'insights' ? 'all-events' : READS_EVENTS}>
      {/* Another stream is another page: its rows and zooms are not those of the first. */}
      <Explorer key={search.stream} preset={search.stream === undefined ? ACTIVITY : PRESETS[search.stream]} search={search} onSearch={(change, replace) => void navigate({ search: change, replace })} />
    </Gate>
  )
}
