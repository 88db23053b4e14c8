// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { withoutSecrets } from '../opened'
import { tokenIn, tokenOf } from './token'

test('a token is found in the query and after the hash', () => {
  expect(tokenOf('https://whodid.example/sign-in?next=%2F&token=a%2Bb')).toBe('a+b')
  expect(tokenOf('https://whodid.example/sign-in#token=abc')).toBe('abc')
  expect(tokenOf('https://whodid.example/sign-in?my_token=abc')).toBeUndefined()
  expect(tokenIn('  abc ')).toBe('abc')
})
test('what opens doors leaves the address, and nothing else does', () => {
  expect(withoutSecrets('https://whodid.example/sign-in?next=%2Frejects&token=abc')).toBe('https://whodid.example/sign-in?next=%2Frejects')
  expect(withoutSecrets('https://whodid.example/sign-in#challenge=abc')).toBe('https://whodid.example/sign-in')
  expect(withoutSecrets('https://whodid.example/activity?q=token%3Aabc#rows')).toBe('https://whodid.example/activity?q=token%3Aabc#rows')
})
