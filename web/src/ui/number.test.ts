import { expect, test } from 'vitest'
import { bytes } from './number'

test('sizes are told in binary units', () => {
  expect([0, 682, 1023, 1024, 1_732_608, 104_857_600, 5 * 2 ** 30].map(bytes)).toEqual(['0 B', '682 B', '1,023 B', '1.0 KiB', '1.7 MiB', '100 MiB', '5.0 GiB'])
})
