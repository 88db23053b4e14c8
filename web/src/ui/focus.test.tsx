// @vitest-environment happy-dom
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useRowsLeave } from './focus'

function List({ rows }: { rows: readonly string[] }) {
  useRowsLeave(rows.length)
  return (
    <main>
      <h1>Silences</h1>
      {rows.map((row) => (
        <button key={row} type="button">
          {row}
        </button>
      ))}
    </main>
  )
}

let root: Root
const show = (...rows: string[]): void => act(() => root.render(<List rows={rows} />))
const focused = (): string | null | undefined => document.activeElement?.textContent
const press = (row: string): void => [...document.querySelectorAll('button')].find((button) => button.textContent === row)?.focus()

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  const place = document.createElement('div')
  document.body.replaceChildren(place)
  root = createRoot(place)
})
afterEach(() => act(() => root.unmount()))

test('a row that leaves with the focus gives it to the heading', () => {
  show('a', 'b')
  press('a')
  show('b')
  expect(focused()).toBe('Silences')
})

test('a row that leaves without the focus moves nothing', () => {
  show('a', 'b')
  press('b')
  show('b')
  expect(focused()).toBe('b')
})

test('rows that come take the focus from nobody', () => {
  show('a')
  show('a', 'b')
  expect(document.activeElement).toBe(document.body)
})
