/** Activity: what sources tell of the account and its spaces. */
import { getRouteApi } from '@tanstack/react-router'
import { Gate } from '../session/Gate'
import { READS_EVENTS } from '../session/rights'
import { Explorer } from './Explorer'
import { ACTIVITY } from './preset'

const route = getRouteApi('/shell/activity')

export function ActivityPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Gate need={READS_EVENTS}>
      <Explorer preset={ACTIVITY} search={search} onSearch={(change, replace) => void navigate({ search: change, replace })} />
    </Gate>
  )
}
