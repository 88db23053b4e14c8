import { expect, test } from 'vitest'
import type { Day } from '../api/shapes'
import { dayRows, sumOf } from './dayRows'

const day = (date: string, count = 1): Day => ({ date, count, bytes: count * 100, types: ['cadf'] })
const told = (days: Day[], from: string, to: string): string[] => dayRows(days, from, to).map((row) => ('day' in row ? row.day.date : `${row.from}..${row.to} ${row.silent}`))

test('days without events stand between those that have some, newest first', () =>
  expect(told([day('2026-02-26'), day('2026-03-02')], '2026-02-26', '2026-03-03')).toEqual(['2026-03-03..2026-03-03 1', '2026-03-02', '2026-02-27..2026-03-01 3', '2026-02-26']))
test('days that all have events stand alone', () => expect(told([day('2026-02-28'), day('2026-03-01')], '2026-02-28', '2026-03-01')).toEqual(['2026-03-01', '2026-02-28']))
test('without any there is one silence', () => expect(told([], '2026-02-28', '2026-03-01')).toEqual(['2026-02-28..2026-03-01 2']))
test('the sum is of all', () => expect(sumOf([day('2026-02-28', 3), day('2026-03-01', 4)])).toEqual({ count: 7, bytes: 700 }))
