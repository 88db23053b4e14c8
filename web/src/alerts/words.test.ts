import { describe, expect, test } from 'vitest'
import type { AlertEntry } from '../api/shapes'
import { beyondTitle, groupQuery, isOfInsights, literal, momentsOf, momentWords, searchFrom, withShortIds } from './words'

test('a sentence below its title says only what the title does not', () => {
  expect(beyondTitle('Key deleted', 'Key deleted: marek deleted k17 in kms')).toBe('marek deleted k17 in kms')
  expect(beyondTitle('Many keys deleted', 'Many keys deleted of bob: 5 in 30 minutes')).toBe('of bob: 5 in 30 minutes')
  expect(beyondTitle('Key', 'Keys are gone')).toBe('Keys are gone')
  expect(beyondTitle('Key deleted', 'bob did it')).toBe('bob did it')
})

test('long ids lose their middle, words stay', () => {
  const id = 'crn:v1:bluemix:public:cloud-object-storage:eu-gb:a/7d4c:bucket:example-sessions'
  expect(withShortIds('read by carlos.mendez@example.com')).toBe('read by carlos.mendez@example.com')
  expect(withShortIds(`of ${id}, 20 events`)).toMatch(/^of crn:v1:bluemix:public.{0,4}…\S+sessions, 20 events$/)
})

test('values in common are searched together', () => expect(groupQuery([{ key: 'initiator.name', value: 'bob b' }, { key: 'target.id', value: 'k17' }])).toBe('initiator.name:=="bob b" target.id:==k17'))

test('an alert tells of insights where those are what shows it', () => expect([isOfInsights({ evidence: ['insights:4'] }), isOfInsights({ evidence: ['activity:4'] }), isOfInsights({ evidence: [] })]).toEqual([true, false, false]))

test('a search begins before the oldest event, though it came in late', () => {
  expect(searchFrom('2026-11-28T02:50:05Z', ['2026-11-09T02:17:51Z', '2026-11-10T00:00:00Z'])).toBe('2026-11-09T01:00:00.000Z')
  expect(searchFrom('2026-11-28T02:50:05Z', [])).toBe('2026-11-28T01:00:00.000Z')
})

test('values of exceptions stand for themselves', () => expect(['bob', 'a, b', 'role/*'].map(literal)).toEqual(['bob', '"a, b"', 'role/\\*']))

describe('notes and history as one', () => {
  const entry = (at: string, act: string, by: string | null, detail = ''): AlertEntry => ({ at: `2026-01-01T00:0${at}:00Z`, act, by, detail })
  test('a note stands where it was written', () => {
    const moments = momentsOf({ history: [entry('0', 'opened', null), entry('1', 'noted', 'user:a'), entry('2', 'resolved', 'user:a', 'planned')], notes: [{ at: '2026-01-01T00:01:00Z', by: 'user:a', text: 'asked bob' }] })
    expect(moments.map(({ act, text }) => [act, text])).toEqual([['opened', undefined], ['noted', 'asked bob'], ['resolved', 'planned']])
  })
  test('a note whose line is no longer kept is not lost', () => {
    const moments = momentsOf({ history: [entry('0', 'opened', null), entry('5', 'acknowledged', 'user:a')], notes: [{ at: '2026-01-01T00:03:00Z', by: 'user:b', text: 'early' }] })
    expect(moments.map((moment) => moment.act)).toEqual(['opened', 'noted', 'acknowledged'])
  })
  test('silences and whom it was given to are read', () => {
    const [silenced, took, gave] = momentsOf({ history: [entry('0', 'silenced', 'user:a', 'until 2026-01-02T00:00:00Z: keys: rolled'), entry('1', 'assigned', 'user:a', 'user:a'), entry('2', 'assigned', 'user:a', 'mara')], notes: [] })
    expect(silenced).toMatchObject({ until: '2026-01-02T00:00:00Z', text: 'keys: rolled' })
    expect(took?.words).toBe('took it on')
    expect(gave).toMatchObject({ words: 'gave it to', to: 'mara' })
  })
})

test('every moment that the contract names has words of its own', () => {
  for (const moment of ['opened', 'again', 'escalated', 'acknowledged', 'resolved', 'reopened', 'test']) expect(momentWords(moment)).not.toBe(moment)
})
