/** A line of YAML in parts that look different. Only for the eye: what it means is the server’s to say. */
export interface Part {
  kind: 'key' | 'text' | 'comment' | 'mark' | 'plain'
  text: string
}

const KEY = /^(\s*(?:-\s+)*)((?:"[^"]*"|'[^']*'|[^\s'"#{}[\],:][^:#{}[\],]*))(:)(?=\s|$)/
const REST = /('(?:[^']|'')*'|"(?:[^"\\]|\\.)*")|((?:^|\s)#.*$)|([{}[\],]|^---$|^\s*-(?=\s)|[|>]-?$)|([\w.|@-]+(?=:\s))/g

export function yamlParts(line: string): Part[] {
  const parts: Part[] = []
  const push = (kind: Part['kind'], text: string | undefined): void => {
    if (text) parts.push({ kind, text })
  }
  const key = KEY.exec(line)
  let rest = line
  if (key) {
    push('mark', key[1])
    push('key', key[2])
    push('mark', key[3])
    rest = line.slice(key[0].length)
  }
  let from = 0
  for (const found of rest.matchAll(REST)) {
    push('plain', rest.slice(from, found.index))
    push(found[1] !== undefined ? 'text' : found[2] !== undefined ? 'comment' : found[4] !== undefined ? 'key' : 'mark', found[0])
    from = found.index + found[0].length
  }
  push('plain', rest.slice(from))
  return parts
}

/** Every line of a text in parts. What stands under `|` or `>` is text, whatever signs it has. */
export function yamlLines(lines: readonly string[]): Part[][] {
  let block: number | undefined
  return lines.map((line) => {
    const depth = /^ */.exec(line)?.[0].length ?? 0
    if (block !== undefined && (line.trim() === '' || depth > block)) return line === '' ? [] : [{ kind: 'text', text: line }]
    block = /(^|[:-]\s+)[|>][+-]?\d?\s*(#.*)?$/.test(line) ? depth : undefined
    return yamlParts(line)
  })
}
