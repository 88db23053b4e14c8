import { expect, test } from 'vitest'
import { BEGIN, fileOf, ordered, pathProblem, raised } from './packageFiles'

test('the manifest stands first, then files by name', () => {
  expect(ordered({ 'rules/b.yml': '', 'package.yaml': '', 'a.yml': '' })).toEqual(['package.yaml', 'a.yml', 'rules/b.yml'])
})

test('a name that leads out of the package, or that is there, is no name for a file', () => {
  expect(pathProblem('rules/night.yml', BEGIN)).toBeUndefined()
  for (const path of ['', '../x.yml', '/x.yml', 'a//b.yml', 'a\\b.yml', 'rules/example.yml']) expect(pathProblem(path, BEGIN)).toBeDefined()
})

test('raising a version raises its last number and leaves the rest of the manifest', () => {
  expect(raised('id: a\nversion: 1.2.9\ntitle: t\n')).toBe('id: a\nversion: 1.2.10\ntitle: t\n')
  expect(raised('version: "0.1"  # first\n')).toBe('version: "0.2"  # first\n')
  expect(raised('version: 10\n')).toBe('version: 10.1\n')
  expect(raised('id: a\n')).toBe('id: a\n')
})

test('a problem is shown in its file, and one of no file in the manifest', () => {
  expect(fileOf('acme/rules/example.yml', 'acme', BEGIN)).toBe('rules/example.yml')
  expect(fileOf('package.yaml', 'acme', BEGIN)).toBe('package.yaml')
  expect(fileOf(null, 'acme', BEGIN)).toBe('package.yaml')
})
