import { expect, test } from 'vitest'
import { copyOf } from './copyOf'

test('a copy has ids of its own, also where its rules name each other', () => {
  expect(copyOf("title: A\nid: aws-in\ndetection: {}\n---\ntitle: B\nid: 'aws-in-many'\ncorrelation:\n  rules: [aws-in, other]\n  group-by: [aws-in]\n")).toBe(
    "title: A\nid: own-aws-in\ndetection: {}\n---\ntitle: B\nid: 'own-aws-in-many'\ncorrelation:\n  rules: [own-aws-in, other]\n  group-by: [aws-in]\n",
  )
  expect(copyOf('id: a.b\ncorrelation:\n  rules:\n    - a.b\n    - a-b\n')).toBe('id: own-a.b\ncorrelation:\n  rules:\n    - own-a.b\n    - a-b\n')
  expect(copyOf('id: own-a\n')).toBe('id: own-a-2\n')
})
