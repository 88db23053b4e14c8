// @vitest-environment happy-dom
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Side } from './Side'

let root: Root

const screen = (isPhone: boolean): void => {
  vi.stubGlobal('matchMedia', () => ({ matches: isPhone, addEventListener: () => undefined, removeEventListener: () => undefined }))
}

const open = (): void =>
  act(() =>
    root.render(
      <>
        <button type="button">below</button>
        <Side label="Channel" title="Ops" onClose={() => undefined}>
          <button type="button">inside</button>
        </Side>
        <dialog open>
          <button type="button">above</button>
        </dialog>
      </>,
    ),
  )

const press = (name: string): void => act(() => [...document.querySelectorAll('button')].find((button) => button.textContent === name)?.focus())
const focused = (): string | null | undefined => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  const place = document.createElement('div')
  document.body.replaceChildren(place)
  root = createRoot(place)
})
afterEach(() => {
  act(() => root.unmount())
  vi.unstubAllGlobals()
})

test('on a phone the focus does not go below the panel that covers the page', () => {
  screen(true)
  open()
  press('inside')
  expect(focused()).toBe('inside')
  press('below')
  expect(focused()).toBe('Channel')
})

test('on a phone a dialog above the panel has the focus', () => {
  screen(true)
  open()
  press('above')
  expect(focused()).toBe('above')
})

test('beside a panel on a wide screen the page can be used', () => {
  screen(false)
  open()
  press('below')
  expect(focused()).toBe('below')
})
