import type { KeyKind } from '../api/shapes'

export const KINDS: Record<KeyKind, { label: string; what: string }> = {
  ingestion: { label: 'Ingestion key', what: 'sends events, reads nothing' },
  service: { label: 'Service key', what: 'searches and exports, sends nothing' },
  personal: { label: 'Personal token', what: 'does what its owner may do' },
}

export const EXPIRIES: readonly [value: string, label: string][] = [['30d', '30 days'], ['90d', '90 days'], ['365d', 'one year'], ['', 'never']]
export const OVERLAPS: readonly [value: string, label: string][] = [['1h', 'one hour'], ['24h', '24 hours'], ['7d', '7 days'], ['30d', '30 days']]

const EXPIRES_SOON_MS = 14 * 86_400_000

export function expiresSoon(iso: string, now: number): boolean {
  const left = Date.parse(iso) - now
  return left > 0 && left < EXPIRES_SOON_MS
}

/** Items of a text with commas, blanks or lines between them. */
export function listed(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))]
}
