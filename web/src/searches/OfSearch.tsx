/** What an alert that came of a search says instead of its rule. */
import { Link } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import type { Alert } from '../api/shapes'
import { useSearchAlerts } from './queries'
import { SearchLink } from './SearchLink'
import { searchOfRule } from './words'

/** Its name, leading to the alert on a search. */
export function SearchTag({ id, title }: { id: string; title: string }) {
  return (
    <Link to="/alerts/searches" search={{ open: id }} className="tag tag-line alert-rule" title="The alert on a search that found it">
      {title}
    </Link>
  )
}

/** The search itself, leading to its events. */
export function SearchChip({ alert, from }: { alert: Alert; from: string }) {
  const id = searchOfRule(alert.rule_id)
  const found = useSearchAlerts(id !== undefined).data?.find((one) => one.id === id)?.search_alert
  if (!found) return null
  return (
    <ul className="chips alert-chips" aria-label="The search">
      <li>
        <SearchLink watched={found} from={from} className="chip search-chip">
          <Search size={12} aria-hidden />
          <span className="chip-text mono">{found.q === undefined || found.q === '' ? 'every event' : found.q}</span>
        </SearchLink>
      </li>
    </ul>
  )
}

/** The same in a list, by its id alone. */
export function SearchName({ id }: { id: string }) {
  const name = useSearchAlerts().data?.find((one) => one.id === id)?.search_alert.name ?? 'a search'
  return (
    <Link to="/alerts/searches" search={{ open: id }} className="row-link">
      {name}
    </Link>
  )
}
