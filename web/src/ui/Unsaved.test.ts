import { expect, test } from 'vitest'
import { isOtherPage } from './Unsaved'

const at = (pathname: string, search: object = {}) => ({ pathname, search })

test('another part of the same page is no other page', () => {
  expect(isOtherPage(at('/rules/rule/a', { part: 'tests' }), at('/rules/rule/a', { part: 'tuning' }))).toBe(false)
})

test('another path, another account and another rule to copy are other pages', () => {
  expect(isOtherPage(at('/rules/rule/a'), at('/rules/rule/b'))).toBe(true)
  expect(isOtherPage(at('/rules/rule/a', { account: 'one' }), at('/rules/rule/a', { account: 'two' }))).toBe(true)
  expect(isOtherPage(at('/rules/new', { copy: 'a' }), at('/rules/new'))).toBe(true)
})
