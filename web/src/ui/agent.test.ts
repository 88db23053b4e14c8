import { expect, test } from 'vitest'
import { agentName } from './agent'

test('browsers are told by their names', () => {
  expect(agentName('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe('Firefox on Linux')
  expect(agentName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1')).toBe('Safari on iOS')
  expect(agentName('Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0')).toBe('Edge on Windows')
  expect(agentName('example-sdk/4.2')).toBe('example-sdk/4.2')
  expect(agentName('')).toBe('unknown program')
})
