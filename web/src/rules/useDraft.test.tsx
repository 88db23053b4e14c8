// @vitest-environment happy-dom
import { act, useLayoutEffect } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RuleDetail } from '../api/shapes'
import { useDraft, type Draft } from './useDraft'

let root: Root
let draft: Draft

function Page({ detail }: { detail: RuleDetail }) {
  const now = useDraft(detail)
  useLayoutEffect(() => {
    draft = now
  })
  return null
}

const kept = (revision: number, text: string): RuleDetail => ({ revision, text }) as unknown as RuleDetail
const arrives = (detail: RuleDetail): void => act(() => root.render(<Page detail={detail} />))
const write = (text: string): void => act(() => draft.setText(text))

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  root = createRoot(document.createElement('div'))
  arrives(kept(1, 'ours'))
})
afterEach(() => act(() => root.unmount()))

test('a text that nobody touched here follows the server', () => {
  arrives(kept(2, 'theirs'))
  expect(draft).toMatchObject({ text: 'theirs', isChanged: false, base: { revision: 2 } })
})

test('a draft keeps what it was written on when somebody else saves another text, so that saving it is refused', () => {
  write('mine')
  arrives(kept(2, 'theirs'))
  expect(draft).toMatchObject({ text: 'mine', isChanged: true, base: { revision: 1, text: 'ours' } })
})

test('a draft stays and can be saved after a change that leaves the text as it was', () => {
  write('mine')
  arrives(kept(2, 'ours'))
  expect(draft).toMatchObject({ text: 'mine', isChanged: true, base: { revision: 2 } })
})

test('what is saved is what the next draft is written on', () => {
  write('mine')
  arrives(kept(2, 'mine'))
  expect(draft).toMatchObject({ text: 'mine', isChanged: false, base: { revision: 2 } })
})

test('what was written while it was saved stays, and can be saved next', () => {
  write('mine')
  write('mine and more')
  const now = kept(2, 'mine')
  act(() => draft.saved(now, 'mine'))
  arrives(now)
  expect(draft).toMatchObject({ text: 'mine and more', isChanged: true, base: { revision: 2 } })
})

test('theirs, once taken, is what the next draft is written on', () => {
  write('mine')
  arrives(kept(2, 'theirs'))
  write('theirs')
  expect(draft).toMatchObject({ text: 'theirs', isChanged: false, base: { revision: 2 } })
})
