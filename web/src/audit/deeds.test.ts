import { expect, test } from 'vitest'
import { deedText } from './deeds'

test('actions read as words', () => {
  expect(deedText('whodid.service-key.rotate', false)).toBe('rotated service key')
  expect(deedText('whodid.user.authenticate', true)).toBe('failed to sign in')
  expect(deedText('kms.secrets.read', false)).toBe('kms.secrets.read')
  expect(deedText('whodid.tree-head.publish', false)).toBe('publish tree head')
})
