import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Words } from './Words'

const shown = (text: string): string => renderToStaticMarkup(<Words text={text} />)

test('names in marks are code', () => {
  expect(shown('a rule has an `id`, or a `name`')).toBe('a rule has an <code>id</code>, or a <code>name</code>')
})

test('marks without an end, empty ones and markup stay as they are', () => {
  expect(shown('a ` alone, `` and <b>')).toBe('a ` alone, `` and &lt;b&gt;')
})
