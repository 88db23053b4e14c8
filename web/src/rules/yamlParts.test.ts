import { expect, test } from 'vitest'
import { yamlLines, yamlParts } from './yamlParts'

const shown = (line: string) => yamlParts(line).map((part) => `${part.kind}<${part.text}>`).join('')

test('keys, texts, marks and comments are told apart', () => {
  expect(shown("  action|contains: 'a: b' # why")).toBe("mark<  >key<action|contains>mark<:>plain< >text<'a: b'>comment< # why>")
  expect(shown('  - name: one')).toBe('mark<  - >key<name>mark<:>plain< one>')
  expect(shown('logsource: {category: activity}')).toBe('key<logsource>mark<:>plain< >mark<{>key<category>plain<: activity>mark<}>')
  expect(shown('---')).toBe('mark<--->')
  expect(shown('')).toBe('')
})
test('nothing of a line is lost', () => {
  for (const line of ["x: {time: '2026-03-02T10:00:00Z', a: [1, 2]}", '   - "open', '\tkey: |-', 'a#b: c', ':::', 'https://x.y/#z']) expect(yamlParts(line).map((part) => part.text).join('')).toBe(line)
})
test('what is folded is text until it ends', () => {
  expect(yamlLines(['a: >-', '  b: c', '', '  - d', 'e: f']).map((parts) => parts.map((part) => part.kind).join())).toEqual(['key,mark,plain,mark', 'text', '', 'text', 'key,mark,plain'])
})
