import { expect, test } from 'vitest'
import { AS_IT_IS, isTried, sentWhatIf, whatIfProblem } from './whatIf'

test('only what was filled in is sent', () => {
  expect(isTried(AS_IT_IS)).toBe(false)
  expect(sentWhatIf(AS_IT_IS)).toEqual({})
  expect(sentWhatIf({ ...AS_IT_IS, comparison: '8', dedup_key: 'target.id, initiator.name', dedup_window: '0', daily_cap: '3' })).toEqual({ threshold: 8, policy: { dedup_key: ['target.id', 'initiator.name'], dedup_window: '0', daily_cap: 3 } })
})
test('what the server would refuse is said before', () => {
  expect(whatIfProblem({ ...AS_IT_IS, threshold: '0' })).toMatch('from 1')
  expect(whatIfProblem({ ...AS_IT_IS, dedup_window: 'an hour' })).toMatch('60m')
  expect(whatIfProblem({ ...AS_IT_IS, comparison: '2.5', threshold_window: '10m', dedup_window: '0' })).toBeUndefined()
})
