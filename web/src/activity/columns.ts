/** The table's columns: the preset ones, and any field or path as one more. */

export interface Column {
  /** Name in the address: a preset's short name, or the field itself. */
  name: string
  label: string
  /** What filters and exports use. */
  fields: string[]
  width: number
  /** How much of the spare room it takes; 0 keeps its width. */
  grow: number
}

export interface ChosenColumn extends Column {
  /** Set when a person dragged it to a width. */
  fixed: boolean
}

export const WIDTH_MIN = 64
export const WIDTH_MAX = 900

const PRESETS: readonly Column[] = [
  { name: 'time', label: 'Time', fields: ['eventTime'], width: 168, grow: 0 },
  { name: 'who', label: 'Who', fields: ['initiator.name', 'initiator.id'], width: 150, grow: 2 },
  { name: 'what', label: 'What', fields: ['action'], width: 190, grow: 3 },
  { name: 'deed', label: 'Did what', fields: ['action'], width: 220, grow: 3 },
  { name: 'target', label: 'On what', fields: ['target.name', 'target.typeURI'], width: 190, grow: 3 },
  { name: 'from', label: 'From', fields: ['initiator.host.address'], width: 136, grow: 0 },
  { name: 'result', label: 'Result', fields: ['result', 'reason.reasonCode'], width: 128, grow: 0 },
  { name: 'sentence', label: 'Sentence', fields: ['message'], width: 320, grow: 4 },
  { name: 'recorded', label: 'Recorded', fields: ['recorded_at'], width: 168, grow: 0 },
]

export const DEFAULT_COLUMNS = 'time,who,what,target,from,result'

const LABELS: Record<string, string> = {
  result: 'Result', outcome: 'Outcome', action: 'Action', service: 'Service', 'initiator.name': 'Who', 'target.typeURI': 'Target type', 'target.name': 'Target', 'initiator.host.address': 'Address',
  region: 'Region', severity: 'Severity', access: 'Access', source: 'Source', 'initiator.host.agent': 'Agent', 'reason.reasonCode': 'Reason code', correlationId: 'Correlation id',
  'initiator.id': 'Initiator id', 'target.id': 'Target id', 'cadf.action': 'CADF action', id: 'Event id', eventTime: 'Event time', recorded_at: 'Recorded',
  'initiator.credential.type': 'Credential', 'initiator.credential.id': 'Credential id', 'reason.reasonType': 'Reason', 'reason.reasonForFailure': 'Why', message: 'Message', space: 'Space', app: 'App', 'observer.name': 'Observer', 'requestData.level': 'Level', 'requestData.ruleTitle': 'Rule', 'requestData.provider': 'Provider', 'requestData.key': 'About', 'requestData.silencedBy': 'Silenced by', 'initiator.typeURI': 'Initiator type',
}

/** A field's name for people; paths outside the model speak for themselves. */
export function fieldLabel(field: string): string {
  return LABELS[field] ?? field
}

export function columnNamed(name: string): Column {
  return PRESETS.find((column) => column.name === name) ?? { name, label: fieldLabel(name), fields: [name], width: 150, grow: 1 }
}

export const presetColumns: readonly Column[] = PRESETS

export function parseColumns(text: string | undefined, usual = DEFAULT_COLUMNS): ChosenColumn[] {
  const columns: ChosenColumn[] = []
  for (const part of (text ?? usual).split(',')) {
    const [name = '', width] = part.split('~')
    if (name === '' || columns.some((column) => column.name === name)) continue
    const column = columnNamed(name)
    const pixels = Number(width)
    const fixed = width !== undefined && Number.isFinite(pixels)
    columns.push({ ...column, fixed, width: fixed ? clampWidth(pixels) : column.width })
  }
  return columns.length > 0 ? columns : parseColumns(usual)
}

/** Undefined for the default, which needs no place in the address. */
export function printColumns(columns: ChosenColumn[], usual = DEFAULT_COLUMNS): string | undefined {
  const text = columns.map((column) => (column.fixed ? `${column.name}~${Math.round(column.width)}` : column.name)).join(',')
  return text === usual ? undefined : text
}

export function clampWidth(pixels: number): number {
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, Math.round(pixels)))
}

export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const next = [...items]
  const [item] = next.splice(from, 1)
  if (item !== undefined) next.splice(Math.max(0, Math.min(next.length, to)), 0, item)
  return next
}

export const DEFAULT_FACETS: readonly string[] = ['result', 'action', 'service', 'initiator.name', 'target.typeURI', 'initiator.host.address', 'region', 'severity', 'access', 'source']

const FIRST_FIELDS: readonly string[] = [...DEFAULT_FACETS, 'outcome', 'target.name', 'reason.reasonCode', 'initiator.host.agent', 'initiator.id', 'target.id', 'correlationId']

/** Fields people use most stand first in pickers and suggestions. */
export function fieldRank(field: string): number {
  const rank = FIRST_FIELDS.indexOf(field)
  return rank < 0 ? FIRST_FIELDS.length : rank
}
