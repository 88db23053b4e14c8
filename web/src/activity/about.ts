/** Which filter of insights a field of events is. Pure. */
import type { TextFilter } from '../insights/search'

const FILTERS: Record<string, TextFilter> = {
  'initiator.name': 'principal_id', 'initiator.id': 'principal_id', 'initiator.host.address': 'source_ip_address', 'initiator.credential.id': 'access_key_id',
  action: 'event_name', service: 'event_source', region: 'region', 'reason.reasonType': 'error_code', 'reason.reasonCode': 'error_code',
}

/** The search of the page of insights for those about a value; nothing for fields that insights know nothing of. */
export function insightsAbout(field: string, value: string): Partial<Record<TextFilter, string>> | undefined {
  const filter = FILTERS[field]
  return filter === undefined ? undefined : { [filter]: value }
}
