import { describe, expect, test } from 'vitest'
import { changedRows, deltaOf, pathText } from './delta'

describe('what changed', () => {
  test('a replaced member has its old value from the test before it', () =>
    expect(changedRows([{ op: 'test', path: '/mfa_required', value: false }, { op: 'replace', path: '/mfa_required', value: true }])).toEqual([{ path: 'mfa required', change: 'changed', before: 'no', after: 'yes' }]))
  test('what joins a list is told without its place', () => expect(changedRows([{ op: 'add', path: '/permissions/1', value: 'keys.read' }])).toEqual([{ path: 'permissions', change: 'added', after: 'keys.read' }]))
  test('what is gone keeps its old value', () =>
    expect(changedRows([{ op: 'test', path: '/name', value: 'ci' }, { op: 'remove', path: '/name' }])).toEqual([{ path: 'name', change: 'removed', before: 'ci' }]))
  test('an old value that nobody told stays unknown', () => expect(changedRows([{ op: 'remove', path: '/roles/3' }])).toEqual([{ path: 'roles', change: 'removed' }]))
  test('things inside things are written out', () => expect(changedRows([{ op: 'add', path: '/scope', value: { sources: ['cadf', 'okta'], spaces: [] } }])[0]?.after).toBe('sources: cadf, okta; spaces: none'))
  test('steps that are no steps are passed over', () => expect(changedRows([null, 7, { op: 'copy', path: '/a', from: '/b' }])).toEqual([]))
  test('signs of the path are written back', () => expect(pathText('/spaces/a~1b/0')).toBe('spaces › a/b'))
})

describe('where the patch is', () => {
  const delta = [{ op: 'add', path: '/name', value: 'ci' }]
  test('as JSON', () => expect(deltaOf({ requestData: { delta } })).toEqual(delta))
  test('as text, as some sources keep it', () => expect(deltaOf({ requestData: JSON.stringify({ delta }) })).toEqual(delta))
  test('nowhere', () => {
    expect(deltaOf({ requestData: { delta: [] } })).toBeUndefined()
    expect(deltaOf({})).toBeUndefined()
  })
})
