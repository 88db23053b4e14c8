import { describe, expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { isBalanced, withLogs } from './logs'

describe('the switch between account and space logs', () => {
  test('without it the text is sent as it is', () => expect(withLogs('bob OR carol', undefined)).toEqual({ text: 'bob OR carol', begins: 0 }))
  test('alone it is the whole search', () => expect(withLogs(' ', 'space').text).toBe('record.space:*'))
  test('account logs are those without a space', () => expect(withLogs('', 'account').text).toBe('-record.space:*'))
  test('OR does not reach past the brackets', () => expect(withLogs('bob OR carol', 'account').text).toBe('(bob OR carol) AND -record.space:*'))
  test('a text that closes too much cannot escape', () => expect(withLogs('bob) OR (carol', 'space')).toEqual({ text: 'bob) OR (carol', begins: 0 }))
  test('a text that is not closed is refused for itself', () => {
    expect(withLogs('(bob', 'space').text).toBe('(bob')
    expect(withLogs('"bob', 'space').text).toBe('"bob')
  })
  test('brackets in quotes do not count', () => expect(isBalanced('name:"a) (b" x:[a,"]"]')).toBe(true))
  test('a mistake is marked in the text that the person wrote', () => {
    const { text, begins } = withLogs('grün: x', 'account')
    const problem = new Problem(400, { position: 6, length: 1 }, text, begins)
    expect([problem.position, problem.length]).toEqual([4, 1])
  })
})
