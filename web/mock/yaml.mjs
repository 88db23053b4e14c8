// As much YAML as rules are mostly written in: members and lists by indentation, flow forms, quoted and plain texts. Enough
// to develop against, not the reference: no anchors, no texts over several lines but after `|` and `>`.

export class YamlProblem extends Error {
  constructor(line, message) {
    super(`line ${line}: ${message}`)
    this.line = line
  }
}

/** The documents of a text, each with the line it begins on; one that cannot be read has its problem instead of a value. */
export function readDocuments(text) {
  const documents = []
  let from = 0
  const lines = text.split('\n')
  for (let at = 0; at <= lines.length; at += 1) {
    if (at < lines.length && !/^---(\s|$)/.test(lines[at])) continue
    const part = lines.slice(from, at)
    const begin = part.findIndex((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    if (begin >= 0) {
      try {
        documents.push({ value: readYaml(part, from), line: from + begin + 1 })
      } catch (problem) {
        if (!(problem instanceof YamlProblem)) throw problem
        documents.push({ problem, line: problem.line })
      }
    }
    from = at + 1
  }
  return documents
}

function readYaml(texts, before) {
  const lines = texts
    .map((text, at) => ({ at: before + at + 1, indent: text.search(/\S/), body: text.trim() }))
    .filter(({ body }) => body !== '' && !body.startsWith('#'))
  let next = 0
  const isItem = (line) => /^-(\s|$)/.test(line.body)
  const block = (indent) => (isItem(lines[next]) ? list(indent) : mapping(indent))

  function mapping(indent) {
    const found = {}
    for (let line = lines[next]; line && line.indent === indent && !isItem(line); line = lines[next]) {
      const member = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{}[\],#:][^:]*?)\s*:(?:\s+(.*))?$/.exec(line.body)
      if (!member) throw new YamlProblem(line.at, 'a member is missing, such as `title: A key was deleted`')
      const name = String(scalar(member[1], line))
      if (Object.hasOwn(found, name)) throw new YamlProblem(line.at, `duplicate key "${name}"`)
      next += 1
      found[name] = after(member[2] ?? '', line, indent)
    }
    if (lines[next] && lines[next].indent > indent) throw new YamlProblem(lines[next].at, 'it is indented deeper than what it stands under')
    return found
  }

  function list(indent) {
    const found = []
    for (let line = lines[next]; line && line.indent === indent && isItem(line); line = lines[next]) {
      const rest = line.body.slice(1).trimStart()
      if (/^("[^"]*"|'[^']*'|[^\s"'{}[\],#:][^:]*?)\s*:(\s|$)/.test(rest)) {
        // A mapping that begins beside the dash.
        lines[next] = { at: line.at, indent: indent + line.body.length - rest.length, body: rest }
        found.push(mapping(lines[next].indent))
      } else {
        next += 1
        found.push(after(rest, line, indent))
      }
    }
    return found
  }

  /** What stands after a name or a dash, on its line or below it. */
  function after(rest, line, indent) {
    const plain = rest.replace(/(^|\s)#.*$/, (comment) => (/["'[{]/.test(rest) ? comment : '')).trim()
    const below = lines[next]
    if (/^[|>][+-]?$/.test(plain)) {
      const texts = []
      for (; lines[next] && lines[next].indent > indent; next += 1) texts.push(lines[next].body)
      return `${texts.join(plain.startsWith('|') ? '\n' : ' ')}\n`
    }
    if (plain !== '') return scalar(plain, line)
    if (below && (below.indent > indent || (below.indent === indent && isItem(below) && !isItem(line)))) return block(below.indent)
    return null
  }

  if (lines.length === 0) return {}
  const value = block(lines[0].indent)
  if (next < lines.length) throw new YamlProblem(lines[next].at, 'it belongs to nothing above')
  return value
}

/** A text on one line: quoted, a flow form, or plain. */
function scalar(text, line) {
  let at = 0
  const fail = (message) => { throw new YamlProblem(line.at, message) }
  const blanks = () => { while (/\s/.test(text[at] ?? '')) at += 1 }
  function value(ends) {
    blanks()
    if (text[at] === '{') return flow('}', (found) => { const name = String(value(':')); blanks(); if (text[at] !== ':') fail(`\`${name}\` has no value`); at += 1; found[name] = value(',}') }, {})
    if (text[at] === '[') return flow(']', (found) => found.push(value(',]')), [])
    if (text[at] === '"') {
      const whole = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))?.[0] ?? fail('a quote is never closed')
      at += whole.length
      try { return JSON.parse(whole) } catch { return fail('a sign after a backslash means nothing') }
    }
    if (text[at] === "'") {
      const whole = /^'(?:[^']|'')*'/.exec(text.slice(at))?.[0] ?? fail('a quote is never closed')
      at += whole.length
      return whole.slice(1, -1).replaceAll("''", "'")
    }
    const start = at
    while (at < text.length && !(ends.includes(text[at]) && (text[at] !== ':' || /[\s,}]|$/.test(text[at + 1] ?? '')))) at += 1
    return plainValue(text.slice(start, at).trim())
  }
  function flow(end, take, found) {
    at += 1
    for (blanks(); text[at] !== end; blanks()) {
      if (at >= text.length) fail(`\`${end}\` is missing`)
      take(found)
      blanks()
      if (text[at] === ',') at += 1
      else if (text[at] !== end) fail(`\`,\` or \`${end}\` is missing`)
    }
    at += 1
    return found
  }
  const found = value('')
  blanks()
  if (at < text.length && text[at] !== '#') fail(`\`${text.slice(at)}\` was not expected`)
  return found
}

function plainValue(text) {
  if (/^(null|~|)$/.test(text)) return null
  if (/^(true|false)$/.test(text)) return text === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
