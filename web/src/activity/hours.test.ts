import { expect, test } from 'vitest'
import { insightsAbout } from './about'
import { weekOf, weekWords } from './hours'

test('events are counted by weekday and hour, and told in words', () => {
  // Monday 16 November 2026 to Friday, 08:00 to 11:00.
  const buckets = [16, 17, 18, 19, 20].flatMap((day) => [8, 9, 10].map((hour) => ({ start: new Date(Date.UTC(2026, 10, day, hour)).toISOString(), counts: { success: 3, denied: 1 }, other: 0 })))
  const week = weekOf(buckets, 'utc')
  expect([week[0]?.[8], week[4]?.[10], week[5]?.[9]]).toEqual([4, 4, 0])
  expect(weekWords(week)).toBe('Mostly Mon to Fri, 08:00–11:00.')
  expect(weekWords(weekOf([], 'utc'))).toBe('Nothing in these days.')
})

test('a value leads to the insights about it', () => {
  expect([insightsAbout('initiator.host.address', '192.0.2.1'), insightsAbout('action', 'a'), insightsAbout('outcome', 'failure')]).toEqual([{ source_ip_address: '192.0.2.1' }, { event_name: 'a' }, undefined])
  expect([insightsAbout('initiator.credential.id', 'k1'), insightsAbout('region', 'eu-de'), insightsAbout('reason.reasonType', 'Forbidden')]).toEqual([{ access_key_id: 'k1' }, { region: 'eu-de' }, { error_code: 'Forbidden' }])
})
