import { expect, test } from 'vitest'
import { conditionQuery } from './conditionQuery'

const one = (field: string, operator: string, value = '') => ({ field, operator, value })

test('conditions are said as a search', () => {
  expect(conditionQuery([one('initiator.name', 'is', 'bob, mara'), one('initiator.host.address', 'network', '10.0.0.0/8')])).toBe('(initiator.name:==bob OR initiator.name:==mara) initiator.host.address:10.0.0.0/8')
  expect(conditionQuery([one('action', 'starts', 'kms.'), one('reason.reasonCode', 'at-least', '400'), one('target.id', 'not-there')])).toBe('action:kms.* reason.reasonCode:>=400 -target.id:*')
  expect(conditionQuery([one('action', 'is', 'kms.*.delete')])).toBe('action:kms.*.delete')
})
test('what a search cannot say is not said', () => {
  expect(conditionQuery([one('action', 'pattern', '^a.b')])).toBeUndefined()
  expect(conditionQuery([one('action', 'contains', 'a b')])).toBeUndefined()
})
