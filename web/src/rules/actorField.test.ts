import { expect, test } from 'vitest'
import { actorField } from './actorField'

test('who did it is a name, save where a rule fires when nothing comes', () => {
  const text = (type: string, group: string) => `id: a\ntags: []\n---\nid: b\ncorrelation:\n  type: ${type}\n  rules: [a]\n  group-by: ${group}\n  timespan: 1h\n`
  expect(actorField(text('event_count', '[target.id]'), 'b')).toBe('initiator.name')
  expect(actorField(text('absence', '[target.id, initiator.name]'), 'b')).toBe('target.id')
  expect(actorField(text('silence', '\n    - observer.name'), 'b')).toBe('observer.name')
  expect(actorField(text('silence', 'observer.name'), 'a')).toBe('initiator.name')
})
