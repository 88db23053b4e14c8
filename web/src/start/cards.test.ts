import { describe, expect, test } from 'vitest'
import type { CardList, ShownValue } from '../api/shapes'
import { anyOf, columnsOf, dayBegin, findingsOf, findingsText, foundBy, pictureAddress, splitCards, verdict } from './cards'

const DAYS = ['2026-11-25T23:00:00.000Z', '2026-11-26T23:00:00.000Z', '2026-11-27T23:00:00.000Z']
const value = (text: string, days: number[], q?: string): ShownValue => ({ text, value: days.reduce((sum, day) => sum + day, 0), days, ...(q === undefined ? {} : { q }) })

describe('a picture of a client', () => {
  test('is told by how it begins', () => {
    expect(pictureAddress('iVBORw0KGgoAAAA=')).toBe('data:image/png;base64,iVBORw0KGgoAAAA=')
    expect(pictureAddress(btoa('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toMatch(/^data:image\/svg\+xml;base64,PHN2Z/)
  })
  test('may come as an address already, in lines', () => expect(pictureAddress('data:image/png;base64,iVBORw0K\nGgoAAAA=')).toBe('data:image/png;base64,iVBORw0KGgoAAAA='))
  test('is nothing where it is no picture', () => {
    for (const text of [undefined, '', btoa('<html><script>'), 'https://example.com/a.png', 'javascript:alert(1)', 'iVBORw0KGgo" onerror="x']) expect(pictureAddress(text)).toBeUndefined()
  })
})

describe('a number', () => {
  test('leads to the findings that it counts', () => expect(findingsOf('a:b', 'now-5d')).toEqual({ stream: 'findings', q: 'a:b', from: 'now-5d' }))
  test('without events of its own leads nowhere', () => {
    expect(findingsOf(undefined, 'now-5d')).toBeUndefined()
    expect(findingsOf('action:===x ()', 'now-5d')).toBeUndefined()
  })
  test('of several values is found by any of their queries', () => {
    expect(anyOf([value('a', [], 'x:1'), value('b', [], 'x:2 y:3')])).toBe('(x:1) OR (x:2 y:3)')
    expect(anyOf([value('a', [], 'x:1'), value('b', [], 'x:1')])).toBe('x:1')
    expect(anyOf([value('a', [], 'x:1'), value('b', [])])).toBeUndefined()
    expect(anyOf([])).toBeUndefined()
  })
})

describe('a series', () => {
  test('has a column for each day, the last without an end', () =>
    expect(columnsOf(DAYS, [value('a', [1, 0, 2]), value('b', [3, 0, 0])], DAYS[0] ?? '')).toEqual([
      { from: DAYS[0], to: DAYS[1], parts: [1, 3], total: 4 },
      { from: DAYS[1], to: DAYS[2], parts: [0, 0], total: 0 },
      { from: DAYS[2], to: undefined, parts: [2, 0], total: 2 },
    ]))
  test('has no days from before it begins', () => expect(columnsOf(DAYS, [value('a', [0, 1, 2])], DAYS[1] ?? '').map((column) => column.total)).toEqual([1, 2]))
})

test('whodid’s own card stands apart from those of others, and a section without others is none', () => {
  const card = (provider: string, id: string) => ({ provider, id, title: id, subtitle: '', requires_configuration: false, q: 'a:b', elements: [{ kind: 'NUMERIC' as const, text: 'n', from: DAYS[0] ?? '', values: [value('n', [2])] }, { kind: 'TIME_SERIES' as const, text: 't', from: DAYS[0] ?? '', values: [value('n', [2])] }] })
  const list: CardList = { days: DAYS, sections: [{ title: 'Activity', cards: [card('whodid', 'activity-insights')] }, { title: 'Acme', cards: [card('acme', 'activity-insights')] }] }
  const { own, others } = splitCards(list)
  expect(own?.provider).toBe('whodid')
  expect(others.map((section) => section.title)).toEqual(['Acme'])
  expect(own && foundBy(own)).toBe(2)
})

test('the page says first whether somebody is waited for', () => {
  expect(verdict({ open: 1, acknowledged: 4, resolved: 0 })).toBe('1 alert waits for somebody')
  expect(verdict({ open: 1200, acknowledged: 0, resolved: 0 })).toBe('1,200 alerts wait for somebody')
  expect(verdict({ open: 0, acknowledged: 1, resolved: 9 })).toBe('The one alert is being looked at')
  expect(verdict({ open: 0, acknowledged: 3, resolved: 9 })).toBe('All 3 alerts are being looked at')
  expect(verdict({ open: 0, acknowledged: 0, resolved: 9 })).toBe('Nothing waits for you')
})

test('findings are counted in words', () => expect([0, 1, 2].map(findingsText)).toEqual(['Nothing was found', '1 finding', '2 findings']))

test('a day begins at midnight', () => expect(dayBegin(Date.parse('2026-11-28T05:00:00Z'), 'utc')).toBe('2026-11-28T00:00:00.000Z'))
