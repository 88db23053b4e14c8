/** What the start page says of its cards, and where their numbers lead. Pure. */
import type { AlertCounts, CardList, ShownCard, ShownValue } from '../api/shapes'
import type { ActivitySearch } from '../activity/search'
import type { Zone } from '../activity/time'
import { count } from '../ui/number'

export const DAYS = 5
/** How many series are told apart by colour. */
const SERIES_MAX = 3

/** A picture that a client sent as base64, as the address of an image; nothing for what no image shows. */
export function pictureAddress(text: string | undefined): string | undefined {
  const given = (text ?? '').replace(/\s+/g, '')
  const body = given.replace(/^data:image\/[a-z+.-]+;base64,/, '')
  const type = PICTURES.find(([begins]) => body.startsWith(begins))?.[1]
  return type === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(body) ? undefined : `data:image/${type};base64,${body}`
}

/** How base64 of each kind begins: their first bytes, and of SVG `<svg` or `<?xml`. */
const PICTURES: readonly [string, string][] = [['iVBORw0KGgo', 'png'], ['/9j/', 'jpeg'], ['R0lGOD', 'gif'], ['UklGR', 'webp'], ['PHN2Z', 'svg+xml'], ['PD94bWwg', 'svg+xml']]

/** The findings of a query in Activity. A query over no kinds of finding at all shows nothing, and is no link. */
export function findingsOf(q: string | undefined, from: string, to?: string): ActivitySearch | undefined {
  if (q === undefined || /\(\s*\)/.test(q)) return undefined
  return { stream: 'findings', q, from, ...(to === undefined ? {} : { to }) }
}

/** What any of several values counts, as one query; nothing where one of them cannot be asked for. */
export function anyOf(values: readonly ShownValue[]): string | undefined {
  const queries = [...new Set(values.map((value) => value.q))]
  if (queries.length === 0 || queries.some((q) => q === undefined)) return undefined
  return queries.length === 1 ? queries[0] : queries.map((q) => `(${q ?? ''})`).join(' OR ')
}

export interface DayColumn {
  from: string
  /** When the next day begins; nothing for today. */
  to: string | undefined
  parts: number[]
  total: number
}

/** The days of a series, each with the values of all its parts; none from before it begins. */
export function columnsOf(days: readonly string[], values: readonly ShownValue[], from: string): DayColumn[] {
  const begins = Date.parse(from)
  return days.flatMap((day, at) => {
    if (Date.parse(day) < begins) return []
    const parts = values.slice(0, SERIES_MAX).map((value) => value.days?.[at] ?? 0)
    return [{ from: day, to: days[at + 1], parts, total: parts.reduce((sum, part) => sum + part, 0) }]
  })
}

/** Whodid's own card, and everything that others made. */
export function splitCards({ sections }: CardList): { own: ShownCard | undefined; others: CardList['sections'] } {
  const own = sections.flatMap((section) => section.cards).find((card) => card.provider === 'whodid' && card.id === 'activity-insights')
  return { own, others: sections.map((section) => ({ ...section, cards: section.cards.filter((card) => card !== own) })).filter((section) => section.cards.length > 0) }
}

/** How many findings a card of numbers tells of. */
export const foundBy = (card: ShownCard): number => card.elements.filter((element) => element.kind === 'NUMERIC').reduce((sum, element) => sum + (element.values[0]?.value ?? 0), 0)

/** The page in one sentence: whether somebody is waited for. */
export function verdict(alerts: AlertCounts): string {
  if (alerts.open > 0) return `${count(alerts.open)} ${alerts.open === 1 ? 'alert waits' : 'alerts wait'} for somebody`
  if (alerts.acknowledged > 0) return `${alerts.acknowledged === 1 ? 'The one alert is' : `All ${count(alerts.acknowledged)} alerts are`} being looked at`
  return 'Nothing waits for you'
}

export const findingsText = (total: number): string => (total === 0 ? 'Nothing was found' : `${count(total)} ${total === 1 ? 'finding' : 'findings'}`)

/** When the day began in which a moment lies. */
export function dayBegin(now: number, zone: Zone): string {
  const day = new Date(now)
  if (zone === 'utc') day.setUTCHours(0, 0, 0, 0)
  else day.setHours(0, 0, 0, 0)
  return day.toISOString()
}
