import { expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { below, elsewhere, problemsOf } from './problems'

const refused = (detail: string, code = 'bad_json') => problemsOf(new Problem(400, { detail, code }))

test('each problem stands at the member that it names', () => {
  const found = refused('`trigger.blackout.timezone` is no time zone; write an IANA name such as UTC; `trigger.trigger_limit` is 0; write 1 to 9')
  expect([...found]).toEqual([['trigger.blackout.timezone', 'is no time zone; write an IANA name such as UTC'], ['trigger.trigger_limit', 'is 0; write 1 to 9']])
  expect([...below(below(found, 'trigger'), 'blackout')]).toEqual([['timezone', 'is no time zone; write an IANA name such as UTC']])
  expect([...refused('`space`: the space name is empty', 'bad_parameter')]).toEqual([['space', 'the space name is empty']])
})

test('what names no member is about the search, the name, or stands by itself', () => {
  expect([...refused('this “(” is never closed', 'bad_query')]).toEqual([['q', 'this “(” is never closed']])
  expect([...refused('another alert has this name', 'name_taken')]).toEqual([['name', 'another alert has this name']])
  expect(elsewhere(refused('there is no channel "x" in this account'), () => true)).toBe('there is no channel "x" in this account')
  expect(elsewhere(refused('`preset` names no preset'), () => false)).toBe('preset names no preset')
  expect(elsewhere(refused('`name` is long'), (member) => member === 'name')).toBeUndefined()
})
