// What rules mean, as far as the mock goes: detections, filters and counting correlations. The same function looks at what
// comes, at pasted events, at tests and at what is stored, as in the real engine; what it does not know it says.
import { valueOf } from './query.mjs'
import { readDocuments } from './yaml.mjs'

const LEVELS = ['informational', 'low', 'medium', 'high', 'critical']
const SPAN_MS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }
const FOLDED = '60m'

export const spanMs = (text) => { const found = /^(\d+)([smhdw]?)$/.exec(String(text)); return found ? Number(found[1]) * (SPAN_MS[found[2]] ?? 1e3) : undefined }

/** The rules and filters of a text, and what is wrong with them. `names`: what rules elsewhere are called. */
export function readRules(text, names = []) {
  const problems = []
  const documents = readDocuments(text).flatMap(({ value, problem, line }, at) => {
    const wrong = (code, message, gravity = 'error') => problems.push({ file: null, document: at + 1, line, rule: typeof value?.id === 'string' ? value.id : null, gravity, code, message })
    if (problem) { wrong('yaml', problem.message); return [] }
    const before = problems.length
    if (typeof value.title !== 'string' || value.title === '') wrong('sigma', 'a rule has a `title`')
    if (typeof value.id !== 'string') wrong('sigma', 'a rule has an `id`, by which it is known')
    if (value.level !== undefined && !LEVELS.includes(value.level)) wrong('level', `\`${value.level}\` is no level; levels are ${LEVELS.join(', ')}`)
    const kind = value.filter ? 'filter' : value.correlation ? String(value.correlation.type ?? 'event_count') : 'match'
    const rule = { number: at + 1, line, value, kind, id: value.id, title: value.title, level: value.level ?? 'medium', description: (value.description ?? '').trim(), tests: value.tests ?? [], policy: value.whodid?.policy ?? {}, refers: [value.correlation?.rules ?? []].flat() }
    if (kind === 'match' || kind === 'filter') {
      const source = value.filter ?? value.detection
      if (!source) wrong('sigma', 'a rule has a `detection`, a `correlation` or a `filter`')
      else {
        try { rule.test = selectionsTest(source) } catch (error) { wrong('sigma', error.message) }
      }
    } else if (kind === 'event_count') rule.count = { fields: [value.correlation['group-by'] ?? []].flat(), span: spanMs(value.correlation.timespan), ...comparison(value.correlation.condition) }
    else wrong('unsupported', `the mock runs no correlations of the kind \`${kind}\`; it matches nothing here`, 'warning')
    return problems.slice(before).some((one) => one.gravity === 'error') ? [] : [rule]
  })
  const known = [...names, ...documents.flatMap((rule) => [rule.id, rule.title, rule.value.name])]
  for (const rule of documents) for (const name of rule.refers) if (!known.includes(name)) problems.push({ file: null, document: rule.number, line: rule.line, rule: rule.id, gravity: 'error', code: 'unknown_rule', message: `there is no rule '${name}'` })
  return { documents, problems }
}

const comparison = (condition = {}) => { const [operator, than] = Object.entries(condition)[0] ?? ['gte', 1]; return { operator, than: Number(than) } }
const COMPARE = { gte: (a, b) => a >= b, gt: (a, b) => a > b, lte: (a, b) => a <= b, lt: (a, b) => a < b, eq: (a, b) => a === b, neq: (a, b) => a !== b }

/** Selections by name and a condition over them. */
function selectionsTest({ condition, ...members }) {
  const named = Object.entries(members).filter(([name]) => !['rules', 'timeframe'].includes(name))
  const tests = Object.fromEntries(named.map(([name, members]) => [name, membersTest(members)]))
  const conditions = [condition].flat().map((text) => conditionTest(String(text ?? ''), tests))
  return (event) => conditions.some((test) => test(event))
}

/** Members that an event must have; a list of such for any of them, a list of texts for words anywhere. */
export function membersTest(members) {
  if (Array.isArray(members)) { const tests = members.map((one) => (typeof one === 'object' && one !== null ? membersTest(one) : (event) => event.raw.toLowerCase().includes(String(one).toLowerCase()))); return (event) => tests.some((test) => test(event)) }
  const tests = Object.entries(members ?? {}).map(([name, values]) => memberTest(name, [values].flat()))
  return (event) => tests.every((test) => test(event))
}

function memberTest(member, values) {
  const [field, ...modifiers] = member.split('|')
  const all = modifiers.includes('all')
  const [modifier = ''] = modifiers.filter((one) => one !== 'all' && one !== 'cased')
  const tests = values.map((value) => valueTest(modifier, value))
  return (event) => {
    const found = valueOf(event, field)
    return all ? tests.every((test) => test(found)) : tests.some((test) => test(found))
  }
}

function valueTest(modifier, value) {
  const low = (text) => String(text).toLowerCase()
  const pattern = (begin, end) => {
    const body = low(value).replace(/\\([*?\\])|[*?]|[.+^${}()|[\]\\]/g, (sign, plain) => (plain !== undefined ? `\\${plain}` : sign === '*' ? '.*' : sign === '?' ? '.' : `\\${sign}`))
    const whole = new RegExp(`${begin}${body}${end}`, 's')
    return (found) => found !== undefined && found !== null && whole.test(low(found))
  }
  switch (modifier) {
    case '': return value === null ? (found) => found === undefined || found === null : pattern('^', '$')
    case 'contains': return pattern('', '')
    case 'startswith': return pattern('^', '')
    case 'endswith': return pattern('', '$')
    case 're': { const whole = new RegExp(String(value)); return (found) => found !== undefined && whole.test(String(found)) }
    case 'exists': return (found) => (found !== undefined && found !== null) === (value === true)
    case 'gte': case 'gt': case 'lte': case 'lt': return (found) => COMPARE[modifier](Number(found), Number(value))
    case 'expand': case 'cidr': return () => false
    default: throw new Error(`unknown modifier '${modifier}'`)
  }
}

function conditionTest(text, tests) {
  const words = text.match(/\(|\)|[^\s()]+/g) ?? []
  let at = 0
  const like = (name) => { const found = Object.keys(tests).filter((one) => name === 'them' ? !one.startsWith('_') : new RegExp(`^${name.replaceAll('*', '.*')}$`).test(one)); if (found.length === 0) throw new Error(`the condition names '${name}', and there is no such selection`); return found.map((one) => tests[one]) }
  const or = () => { const parts = [and()]; while (words[at] === 'or') { at += 1; parts.push(and()) } return (event) => parts.some((test) => test(event)) }
  const and = () => { const parts = [one()]; while (words[at] === 'and') { at += 1; parts.push(one()) } return (event) => parts.every((test) => test(event)) }
  const one = () => {
    const word = words[at]
    at += 1
    if (word === undefined) throw new Error('the condition ends too early')
    if (word === 'not') { const inner = one(); return (event) => !inner(event) }
    if (word === '(') { const inner = or(); if (words[at] !== ')') throw new Error('the condition has a parenthesis that is never closed'); at += 1; return inner }
    if (words[at] === 'of') { const among = like(words[at + 1] ?? ''); at += 2; return word === 'all' ? (event) => among.every((test) => test(event)) : (event) => among.filter((test) => test(event)).length >= Number(word) }
    return like(word)[0]
  }
  const test = or()
  if (at < words.length) throw new Error(`the condition has a \`${words[at]}\` too much`)
  return test
}

/**
 * Rules run over events in their order. `filters` and `exceptions` as they hold of each; `tuning` by id. A step gives hits:
 * those that are findings have `isFinding`, further ones of a key are folded into the last.
 */
export function makeRun(rules, { tuning = {}, filtersOf = () => [], exceptionsOf = () => [], isReported = () => true } = {}) {
  const windows = new Map()
  const folded = new Map()
  const policyOf = (rule) => ({ dedup_window: FOLDED, threshold: 1, ...rule.policy, ...tuning[rule.id]?.policy })
  function hit(rule, event, evidence, group) {
    const policy = policyOf(rule)
    const fields = policy.dedup_key?.length > 0 ? policy.dedup_key : rule.count?.fields.length > 0 ? rule.count.fields : ['initiator.name']
    const pairs = group ?? fields.map((key) => ({ key, value: String(valueOf(event, key) ?? '') }))
    const key = pairs.map((pair) => pair.value).join('|')
    const silenced = exceptionsOf(rule).find((exception) => exception.test(event))
    const known = folded.get(`${rule.id} ${key} ${silenced?.id ?? ''}`)
    const time = Date.parse(event.eventTime)
    const isFinding = !known || time - known.at >= (spanMs(policy.dedup_window) ?? 36e5)
    if (isFinding) folded.set(`${rule.id} ${key} ${silenced?.id ?? ''}`, { at: time })
    return { rule, event, evidence, key, group: pairs, isFinding, silencedBy: silenced?.id }
  }
  return (event) => {
    const hits = []
    const matched = rules.filter((rule) => rule.kind === 'match' && rule.test(event) && filtersOf(rule).every((filter) => filter.test(event)))
    for (const rule of matched) if (isReported(rule)) hits.push(hit(rule, event, [event.record.id]))
    for (const rule of rules.filter((one) => one.count)) {
      if (!matched.some((one) => rule.refers.some((name) => [one.id, one.title, one.value.name].includes(name)))) continue
      const pairs = rule.count.fields.map((key) => ({ key, value: String(valueOf(event, key) ?? '') }))
      const place = `${rule.id} ${pairs.map((pair) => pair.value).join('|')}`
      const time = Date.parse(event.eventTime)
      const window = [...(windows.get(place) ?? []), event].filter((one) => time - Date.parse(one.eventTime) < (rule.count.span ?? 6e5))
      windows.set(place, window)
      const than = tuning[rule.id]?.threshold ?? rule.count.than
      if (!(COMPARE[rule.count.operator] ?? COMPARE.gte)(window.length, than)) continue
      windows.delete(place)
      if (isReported(rule)) hits.push({ ...hit(rule, event, window.map((one) => one.record.id), pairs.length > 0 ? pairs : undefined), why: `${window.length} within ${rule.value.correlation.timespan}` })
    }
    return hits
  }
}
