import { expect, test } from 'vitest'
import { pasted } from './pasted'

test('one event a line, with the line it stands on', () => {
  expect(pasted('\n{"action":"a","outcome":"failure"}\n\nJan 1 sshd: no\n')).toEqual([
    { line: 2, sent: { action: 'a', outcome: 'failure' }, label: 'a failure' },
    { line: 4, sent: 'Jan 1 sshd: no', label: 'Jan 1 sshd: no' },
  ])
})
test('one document over several lines, or a list of them', () => {
  expect(pasted('\n{\n  "eventTime": "2026-01-01T00:00:00Z",\n  "initiator": {"name": "bob"},\n  "action": "a"\n}')).toMatchObject([{ line: 2, label: '2026-01-01T00:00:00Z bob a' }])
  expect(pasted('[{"a":1},{"a":2}]').map((one) => one.sent)).toEqual([{ a: 1 }, { a: 2 }])
})
test('nothing is nothing', () => expect(pasted(' \n')).toEqual([]))
