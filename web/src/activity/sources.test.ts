import { expect, test } from 'vitest'
import { SOURCES, understood } from './sources'

test('every form is named, the logs of Linux machines too', () => {
  expect(SOURCES).toContain('linux-auth')
  expect(SOURCES).not.toContain('auto')
  expect(understood()).toContain('GitHub, Linux authentication logs. Any other JSON')
})
