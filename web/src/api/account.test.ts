import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { takesAccount } from './account'

interface Operation {
  parameters?: { name: string; in: string }[]
}

test('an account is sent exactly where the contract knows one', () => {
  const contract = JSON.parse(readFileSync('../openapi.json', 'utf8')) as { paths: Record<string, Record<string, Operation>> }
  for (const [path, operations] of Object.entries(contract.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      expect(`${method} ${path} ${takesAccount(path, method)}`).toBe(`${method} ${path} ${operation.parameters?.some((parameter) => parameter.in === 'query' && parameter.name === 'account') ?? false}`)
    }
  }
})
