import { expect, test } from 'vitest'
import { countdownText } from './countdown'

test('a countdown reads as people count', () => {
  expect(countdownText(0)).toBe('0 s')
  expect(countdownText(39.2)).toBe('40 s')
  expect(countdownText(60)).toBe('1:00 min')
  expect(countdownText(899.5)).toBe('15:00 min')
})
