// A small reader of the search language: enough to develop against, not the reference.

const aliases = { 'record.space': 'space',  eventName: 'action', cadf_action: 'cadf.action', sourceIPAddress: 'initiator.host.address', host: 'service', platform: 'service', level: 'severity', eventId: 'id' }
export const fieldList = ['id', 'action', 'cadf.action', 'outcome', 'severity', 'access', 'message', 'service', 'app', 'region', 'initiator.id', 'initiator.name', 'initiator.typeURI', 'initiator.credential.type', 'initiator.credential.id', 'initiator.host.address', 'initiator.host.agent', 'target.id', 'target.name', 'target.typeURI', 'observer.name', 'reason.reasonCode', 'reason.reasonType', 'reason.reasonForFailure', 'correlationId', 'requestData', 'responseData']
const record = { access: 'access', result: 'result', service: 'service', app: 'app', region: 'region', source: 'source', offset: 'offset', recorded_at: 'recorded_at', space: 'space' }

export class QueryProblem extends Error {
  constructor(position, length, message, expected) {
    super(message)
    Object.assign(this, { position, length, expected })
  }
}

export function valueOf(event, name) {
  const field = aliases[name.replace(/_str$/, '')] ?? name.replace(/_str$/, '')
  if (field in record) return event.record[record[field]]
  let value = field.startsWith('raw.') ? JSON.parse(event.raw) : event
  for (const part of field.replace(/^raw\./, '').split('.')) {
    if (typeof value === 'string') { try { value = JSON.parse(value) } catch { return undefined } }
    value = value?.[part]
  }
  return value
}

export function parse(text) {
  let at = 0
  const fail = (position, length, message, ...expected) => { throw new QueryProblem(Buffer.byteLength(text.slice(0, position)), length, message, expected) }
  const space = () => { while (/\s/.test(text[at] ?? '')) at += 1 }
  const keyword = (word) => text.startsWith(word, at) && /[\s)(]|$/.test(text[at + word.length] ?? ' ')
  function or() {
    const parts = [and()]
    for (space(); keyword('OR'); space()) { at += 2; space(); if (at >= text.length) fail(at, 1, 'OR has nothing after it', 'a term'); parts.push(and()) }
    return parts.length === 1 ? parts[0] : (event) => parts.some((part) => part(event))
  }
  function and() {
    const parts = []
    for (space(); at < text.length && text[at] !== ')' && !keyword('OR'); space()) {
      if (keyword('AND')) { at += 3; space(); if (at >= text.length) fail(at, 1, 'AND has nothing after it', 'a term'); continue }
      parts.push(unary())
    }
    return parts.length === 1 ? parts[0] : (event) => parts.every((part) => part(event))
  }
  function unary() {
    if (text[at] === '-') { at += 1; const inner = unary(); return (event) => !inner(event) }
    if (keyword('NOT')) { at += 3; space(); const inner = unary(); return (event) => !inner(event) }
    if (text[at] === '(') {
      const open = at; at += 1
      const inner = or(); space()
      if (text[at] !== ')') fail(open, 1, 'this parenthesis is never closed', ')')
      at += 1
      return inner
    }
    if (text[at] === '"') { const phrase = quoted().toLowerCase(); return (event) => event.raw.toLowerCase().includes(phrase) }
    const start = at
    while (at < text.length && !/[\s:()"]/.test(text[at])) at += 1
    const word = text.slice(start, at)
    if (text[at] !== ':') {
      if (word === '') fail(at, 1, `unexpected \`${text[at] ?? 'end'}\``, 'a field', 'a word')
      return wordTest(word)
    }
    if (word === '') fail(at, 1, 'a field name is missing before the colon', 'a field name')
    at += 1
    let operator = ''
    while (text[at] === '=' && operator.length < 3) { operator += '='; at += 1 }
    return fieldTest(word, operator)
  }
  function quoted() {
    const open = at; at += 1
    let value = ''
    while (at < text.length && text[at] !== '"') { if (text[at] === '\\') at += 1; value += text[at] ?? ''; at += 1 }
    if (text[at] !== '"') fail(open, text.length - open, 'this quote is never closed', '"')
    at += 1
    return value
  }
  function fieldTest(field, operator) {
    if (text[at] === '[') {
      const open = at; at += 1
      const tests = []
      while (text[at] !== ']') {
        if (at >= text.length) fail(open, 1, 'this list is never closed', ']')
        space()
        const value = text[at] === '"' ? quoted() : (/^[^\],]*/.exec(text.slice(at)) ?? [''])[0]
        if (text[at - 1] !== '"') at += value.length
        tests.push(valueTest(field, operator, value.trim()))
        if (text[at] === ',') at += 1
      }
      at += 1
      return (event) => tests.some((test) => test(event))
    }
    if (text[at] === '(') {
      const open = at; at += 1
      const rest = /^([^)]*)\)/.exec(text.slice(at))
      if (!rest) fail(open, 1, 'this parenthesis is never closed', ')')
      at += rest[0].length
      const comparisons = rest[1].match(/[<>]=?\s*[^\s<>]+/g)
      if (comparisons) { const tests = comparisons.map((part) => compare(field, part)); return (event) => tests.every((test) => test(event)) }
      const tests = rest[1].split(/\s+OR\s+/).map((part) => valueTest(field, part.match(/^=*/)[0] || operator, part.replace(/^=+/, '').replaceAll('"', '')))
      return (event) => tests.some((test) => test(event))
    }
    if (text[at] === '"') return valueTest(field, operator || '==', quoted(), true)
    const start = at
    while (at < text.length && !/[\s()"]/.test(text[at])) at += 1
    const value = text.slice(start, at)
    if (value === '') fail(at, 1, `\`${field}:${operator}\` has no value`, 'a value', '*', '[', '(')
    if (/^[<>]/.test(value)) return compare(field, value)
    return valueTest(field, operator, value)
  }
  function compare(field, part) {
    const [, sign, operand] = /^([<>]=?)\s*(.+)$/.exec(part)
    return (event) => {
      const value = Number(valueOf(event, field))
      return sign === '>' ? value > operand : sign === '>=' ? value >= operand : sign === '<' ? value < operand : value <= operand
    }
  }
  function valueTest(field, operator, value, literal = false) {
    if (value === '*' && !literal) return (event) => valueOf(event, field) !== undefined && valueOf(event, field) !== null
    if (value.includes('*') && !literal) {
      const pattern = new RegExp(`^${value.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 'i')
      return (event) => pattern.test(String(valueOf(event, field) ?? ''))
    }
    const lower = value.toLowerCase()
    return (event) => {
      const found = valueOf(event, field)
      if (found === undefined || found === null) return false
      const own = String(found)
      if (operator === '===') return own === value
      if (operator === '==') return own.toLowerCase() === lower
      if (operator === '=') return own.startsWith(value)
      return own.toLowerCase().startsWith(lower) || own.toLowerCase().split(/[^a-z0-9]+/).some((part) => part.startsWith(lower))
    }
  }
  function wordTest(word) {
    const pattern = new RegExp(`(^|[^a-z0-9])${word.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}`, 'i')
    return (event) => pattern.test(event.raw)
  }
  const test = or()
  space()
  if (at < text.length) fail(at, 1, `unexpected \`${text[at]}\``, 'a term', 'end of the query')
  return text.trim() === '' ? () => true : test
}

export function parseTime(text, now) {
  if (!text) return undefined
  const relative = /^(?:now-)?(\d+)([smhdw])$/.exec(text)
  if (relative) return now - relative[1] * { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[relative[2]]
  const words = /^(\d+) (minute|hour|day|week)s? ago$/.exec(text)
  if (words) return now - words[1] * { minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5 }[words[2]]
  if (text === 'now') return now
  if (/^\d{10,}$/.test(text)) return text.length > 11 ? Number(text) : Number(text) * 1000
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new QueryProblem(undefined, undefined, `\`${text}\` is not a time`, [])
  return time
}
