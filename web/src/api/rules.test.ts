// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { rules } from './rules'

const asked: string[] = []

function answers(body: unknown): void {
  vi.spyOn(window, 'fetch').mockImplementation((request) => {
    if (request instanceof Request) asked.push(`${request.method} ${new URL(request.url).pathname}`)
    return Promise.resolve(Response.json(body))
  })
}

afterEach(() => {
  asked.length = 0
  vi.restoreAllMocks()
})

test('packages come with what is wrong in the storage', async () => {
  const list = { packages: [], problems: [{ file: 'IBM.rules/activities/a.json', message: 'this is no JSON' }, { message: 'It did not answer.' }] }
  answers(list)
  expect(await rules.packages(new AbortController().signal)).toEqual(list)
  expect(await rules.refreshPackages()).toEqual(list)
  expect(asked).toEqual(['GET /api/v1/packages', 'POST /api/v1/packages/refresh'])
})

test('a server that knows no such problems has none', async () => {
  answers({ packages: [] })
  expect(await rules.packages(new AbortController().signal)).toEqual({ packages: [], problems: [] })
})
