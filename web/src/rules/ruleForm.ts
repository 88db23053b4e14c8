/** A simple rule as a form has it, and the YAML that says the same. One way only: YAML can say much more. */
import type { EventConditions, Level } from '../api/shapes'

export interface Operator {
  id: string
  label: string
  /** Sigma's modifier; none for equal. */
  modifier: string
  isNegated?: boolean
  /** What values it takes. */
  takes: 'texts' | 'number' | 'truth'
}

export const OPERATORS: readonly Operator[] = [
  { id: 'is', label: 'is', modifier: '', takes: 'texts' },
  { id: 'is-not', label: 'is not', modifier: '', isNegated: true, takes: 'texts' },
  { id: 'contains', label: 'contains', modifier: '|contains', takes: 'texts' },
  { id: 'contains-not', label: 'does not contain', modifier: '|contains', isNegated: true, takes: 'texts' },
  { id: 'starts', label: 'begins with', modifier: '|startswith', takes: 'texts' },
  { id: 'ends', label: 'ends with', modifier: '|endswith', takes: 'texts' },
  { id: 'network', label: 'is in network', modifier: '|cidr', takes: 'texts' },
  { id: 'network-not', label: 'is not in network', modifier: '|cidr', isNegated: true, takes: 'texts' },
  { id: 'pattern', label: 'matches pattern', modifier: '|re', takes: 'texts' },
  { id: 'at-least', label: 'is at least', modifier: '|gte', takes: 'number' },
  { id: 'at-most', label: 'is at most', modifier: '|lte', takes: 'number' },
  { id: 'there', label: 'is there', modifier: '|exists', takes: 'truth' },
  { id: 'not-there', label: 'is not there', modifier: '|exists', takes: 'truth' },
]
const operatorOf = (id: string): Operator => OPERATORS.find((operator) => operator.id === id) ?? { id: 'is', label: 'is', modifier: '', takes: 'texts' }

export interface Condition {
  field: string
  operator: string
  /** Several with commas between them: any of them. A pattern is one. */
  value: string
}

export interface RuleForm {
  title: string
  level: Level
  conditions: Condition[]
  /** Empty where every match counts. */
  count: string
  within: string
  groupBy: string
}

export const NO_CONDITION: Condition = { field: '', operator: 'is', value: '' }
export const EMPTY_FORM: RuleForm = { title: '', level: 'medium', conditions: [{ field: 'action', operator: 'is', value: '' }], count: '', within: '10m', groupBy: 'initiator.name' }

export const takesValue = (operator: string): boolean => operatorOf(operator).takes !== 'truth'

/** Items with commas between them; what stands in double quotes keeps its commas. */
export function items(text: string): string[] {
  return Array.from(text.matchAll(/\s*"([^"]*)"\s*(?=,|$)|([^,]+)/g), ([, quoted, bare]) => quoted ?? bare?.trim() ?? '').filter((item) => item !== '')
}

function valuesOf({ operator, value }: Condition): (string | number | boolean)[] {
  const { takes } = operatorOf(operator)
  if (takes === 'truth') return [operator === 'there']
  if (takes === 'number') return [Number(value.trim())]
  return operator === 'pattern' ? [value.trim()] : items(value)
}

/** Why a condition cannot be written; nothing for a good one. */
export function conditionProblem(condition: Condition): string | undefined {
  const name = condition.field.trim()
  if (name === '') return 'Name a field.'
  if (/[\s|:#]/.test(name)) return `“${name}” is no name of a field.`
  const { takes } = operatorOf(condition.operator)
  if (takes === 'truth') return undefined
  if (condition.value.trim() === '') return `Say what ${name} is compared with.`
  if (takes === 'number' && !Number.isFinite(Number(condition.value))) return `${name} is compared with a number.`
  return undefined
}

export function formProblem(form: RuleForm): string | undefined {
  if (form.title.trim() === '') return 'Give the rule a title.'
  if (form.conditions.length === 0) return 'Say what an event must have.'
  const wrong = form.conditions.map(conditionProblem).find((problem) => problem !== undefined)
  if (wrong !== undefined) return wrong
  if (form.count.trim() === '') return undefined
  if (!/^[1-9]\d*$/.test(form.count.trim())) return 'How many: a whole number from 1.'
  if (!/^[1-9]\d*(s|m|h|d)$/.test(form.within.trim())) return 'Within: a time such as 10m, 2h or 7d.'
  return undefined
}

/** A title as an id. Rules of one’s own begin alike, so that no package’s rule has the same. */
export function idOf(title: string): string {
  const words = title.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60).replace(/-+$/, '')
  return `own-${words === '' ? 'rule' : words}`
}

/** A value as YAML reads it back: quoted wherever it could be read as something else. */
export function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value)
  if (/^[A-Za-z_/][\w./@-]*( [\w./@-]+)*$/.test(value) && !/^(true|false|yes|no|on|off|null|y|n|nan|inf)$/i.test(value)) return value
  // Only double quotes can say what is no sign.
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(value) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`
}

function member(condition: Condition, indent: string): string {
  const name = `${condition.field.trim()}${operatorOf(condition.operator).modifier}`
  const values = valuesOf(condition).map(scalar)
  return values.length === 1 ? `${indent}${name}: ${values[0] ?? ''}` : `${indent}${name}:\n${values.map((value) => `${indent}  - ${value}`).join('\n')}`
}

/** Selections, each without a name twice, and how they go together. */
function detection(conditions: readonly Condition[]): string {
  const selections: Condition[][] = []
  const key = (condition: Condition): string => `${condition.field.trim()}${operatorOf(condition.operator).modifier}`
  for (const condition of conditions.filter((one) => !operatorOf(one.operator).isNegated)) {
    const home = selections.find((selection) => selection.every((other) => key(other) !== key(condition)))
    if (home) home.push(condition)
    else selections.push([condition])
  }
  const named: [string, Condition[]][] = [
    ...selections.map((selection, at): [string, Condition[]] => [at === 0 ? 'selection' : `selection_${at + 1}`, selection]),
    ...conditions.filter((one) => operatorOf(one.operator).isNegated).map((condition, at): [string, Condition[]] => [`without_${at + 1}`, [condition]]),
  ]
  const asked = selections.length === 0 ? [] : [selections.length === 1 ? 'selection' : 'all of selection*']
  const unasked = named.filter(([name]) => name.startsWith('without')).length
  const refused = unasked === 0 ? [] : [unasked === 1 ? 'not without_1' : 'not 1 of without_*']
  const body = named.map(([name, members]) => `  ${name}:\n${members.map((one) => member(one, '    ')).join('\n')}`).join('\n')
  return `detection:\n${body}\n  condition: ${[...asked, ...refused].join(' and ')}\n`
}

const rule = (title: string, id: string, level: Level, conditions: readonly Condition[]): string =>
  `title: ${scalar(title)}\nid: ${id}\nlevel: ${level}\nlogsource: {category: activity}\n${detection(conditions)}`

/** The YAML of a form without a problem. */
export function yamlOf(form: RuleForm): string {
  const title = form.title.trim()
  const id = idOf(title)
  const fields = items(form.groupBy)
  if (form.count.trim() === '') return `${rule(title, id, form.level, form.conditions)}${fields.length === 0 ? '' : `whodid:\n  policy: {dedup_key: [${fields.map(scalar).join(', ')}], dedup_window: 60m}\n`}`
  const each = `${id}-each`
  const groups = fields.length === 0 ? '' : `  group-by: [${fields.map(scalar).join(', ')}]\n`
  return `${rule(`${title}: each one`, each, 'informational', form.conditions)}---\ntitle: ${scalar(title)}\nid: ${id}\nlevel: ${form.level}\ncorrelation:\n  type: event_count\n  rules: [${each}]\n${groups}  timespan: ${form.within.trim()}\n  condition:\n    gte: ${form.count.trim()}\n`
}

/** Conditions as an exception has them; negated ones cannot be said there. */
export function eventsOf(conditions: readonly Condition[]): EventConditions {
  const events: EventConditions = {}
  for (const condition of conditions) {
    const name = `${condition.field.trim()}${operatorOf(condition.operator).modifier}`
    events[name] = [...(events[name] ?? []), ...valuesOf(condition)]
  }
  return events
}

/** An exception’s condition in words: its field, how it is compared. */
export function namedCondition(name: string): { field: string; how: string } {
  const at = name.indexOf('|')
  const modifier = at < 0 ? '' : name.slice(at)
  const known = OPERATORS.find((operator) => !operator.isNegated && operator.modifier === modifier)
  return { field: at < 0 ? name : name.slice(0, at), how: known?.label ?? modifier.slice(1).replaceAll('|', ', ') }
}
