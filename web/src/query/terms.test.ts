import { describe, expect, test } from 'vitest'
import { completionAt, negateTerm, selection, tokens, topTerms, withoutField, withoutTerm, withValue } from './terms'

const texts = (query: string) => topTerms(query).map((term) => term.text)

describe('terms of a query', () => {
  test('blanks and AND separate, quotes and brackets hold together', () => {
    expect(texts('action:kms.* AND outcome:failure "two words" reason.reasonCode:(>=400 <500) (a OR b)')).toEqual(['action:kms.*', 'outcome:failure', '"two words"', 'reason.reasonCode:(>=400 <500)', '(a OR b)'])
  })
  test('OR at the top makes the query one term', () => expect(texts('bob OR carol x')).toEqual(['bob OR carol x']))
  test('what is never closed runs to the end', () => expect(texts('a (b c')).toEqual(['a', '(b c']))
  test('NOT belongs to the term after it', () => expect(topTerms('NOT bob').map((term) => [term.start, term.negated])).toEqual([[0, true]]))
})

describe('picking values', () => {
  test('the first value is a term', () => expect(withValue('', 'outcome', 'failure', 'in')).toBe('outcome:==failure'))
  test('a second value of the field makes a group', () => expect(withValue('bob outcome:==failure', 'outcome', 'pending', 'in')).toBe('bob outcome:==[failure,pending]'))
  test('the list is read back', () => expect(selection('a:==[x,"y, z"]', 'a').included).toEqual(['x', 'y, z']))
  test('a name with signs of the language is quoted', () => {
    expect(withValue('', 'Activity Status', 'failed', 'in')).toBe('"Activity Status":==failed')
    expect(selection('"Activity Status":==failed', 'Activity Status').included).toEqual(['failed'])
  })
  test('a group is read back', () => expect(selection('bob (outcome:==failure OR outcome:==pending) -outcome:==x', 'outcome')).toMatchObject({ included: ['failure', 'pending'], excluded: ['x'] }))
  test('clearing one of two leaves a term', () => expect(withValue('(a:==x OR a:==y)', 'a', 'x', 'clear')).toBe('a:==y'))
  test('shutting out a picked value moves it', () => expect(withValue('a:==x', 'a', 'x', 'out')).toBe('-a:==x'))
  test('values that the language would read otherwise are quoted', () => {
    expect(withValue('', 'target.name', 'secret "k 17"', 'in')).toBe('target.name:=="secret \\"k 17\\""')
    expect(selection('target.name:=="secret \\"k 17\\""', 'target.name').included).toEqual(['secret "k 17"'])
    expect(withValue('', 'target.id', 'crn:v1:*', 'in')).toBe('target.id:=="crn:v1:*"')
  })
  test('a query with OR at the top is put in parentheses first', () => expect(withValue('a OR b', 'x', 'y', 'in')).toBe('(a OR b) x:==y'))
  test('a facet counts without its own filter', () => expect(withoutField('bob outcome:==failure action:kms', 'outcome')).toBe('bob action:kms'))
})

describe('chips', () => {
  test('removing a term leaves no stray AND', () => {
    const query = 'a AND b AND c'
    const [first, second, third] = topTerms(query)
    expect(first && withoutTerm(query, first)).toBe('b AND c')
    expect(second && withoutTerm(query, second)).toBe('a AND c')
    expect(third && withoutTerm(query, third)).toBe('a AND b')
  })
  test('negating twice gives the term back', () => {
    const [term] = topTerms('bob')
    const negated = term ? negateTerm('bob', term) : ''
    expect(negated).toBe('-bob')
    const [again] = topTerms(negated)
    expect(again && negateTerm(negated, again)).toBe('bob')
  })
})

describe('the query bar', () => {
  test.each(['action:kms.* -(outcome:failure OR "a b")', 'x:[a,"b c"] y:>=4 NOT z', 'a"b', '-', ':', '()) OR'])('pieces make the text again: %s', (query) => {
    expect(tokens(query).map((token) => token.text).join('')).toBe(query)
  })
  test('fields complete at the start of a term', () => {
    expect(completionAt('', 0)).toMatchObject({ kind: 'field', typed: '' })
    expect(completionAt('bob out', 7)).toMatchObject({ kind: 'field', typed: 'out', start: 4, end: 7 })
    expect(completionAt('-out', 4)).toMatchObject({ kind: 'field', typed: 'out', start: 1 })
  })
  test('values complete after the operator, in lists and quotes', () => {
    expect(completionAt('outcome:==fa', 12)).toMatchObject({ kind: 'value', field: 'outcome', typed: 'fa', start: 10 })
    expect(completionAt('action:[a,kms', 13)).toMatchObject({ kind: 'value', field: 'action', typed: 'kms', start: 10 })
    expect(completionAt('target.name:"secret k', 21)).toMatchObject({ kind: 'value', field: 'target.name', typed: 'secret k' })
  })
  test('comparisons complete nothing', () => expect(completionAt('reason.reasonCode:>=4', 21)).toBeUndefined())
})
