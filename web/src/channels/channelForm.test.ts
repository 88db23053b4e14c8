import { describe, expect, test } from 'vitest'
import type { Channel } from '../api/shapes'
import { EMPTY_CHANNEL, formOf, problemOf, severityWords, switched, writeOf } from './channelForm'

const base = { id: '1', name: 'ops', description: '', is_enabled: true, severities: ['high' as const], sources: [], rate_limit: 60, time_zone: 'UTC', revision: 1, created_at: '', created_by: '', last_delivery: null }
const webhook: Channel = { ...base, receiver: { type: 'webhook', url: 'https://hooks.example.com/in', method: 'put', headers: { Authorization: '…9f' }, body_template: '{"a": {{ name }}}', signing: { type: 'hmac', secret: '…77' } } }

describe('a channel', () => {
  test('goes through its form unchanged, masks and all', () => {
    const receivers: Channel['receiver'][] = [
      webhook.receiver,
      { type: 'email', to: ['a@example.com', 'b@example.com'] },
      { type: 'slack', url: 'https://hooks.slack.com/…9f' },
      { type: 'pagerduty', routing_key: '…ab', auto_resolve: false, url: 'https://events.eu.pagerduty.com/v2/enqueue' },
      { type: 'syslog', host: 'logs.example.com', port: 6514, transport: 'tls' },
    ]
    for (const receiver of receivers) expect(writeOf(formOf({ ...base, receiver })).receiver).toEqual(receiver)
  })
  test('is switched without losing anything', () => expect(switched(webhook, false)).toEqual({ ...writeOf(formOf(webhook)), is_enabled: false }))
  test('takes addresses by lines, commas and blanks', () => expect(writeOf({ ...EMPTY_CHANNEL, kind: 'email', to: ' a@example.com, b@example.com\nc@example.com ' }).receiver).toEqual({ type: 'email', to: ['a@example.com', 'b@example.com', 'c@example.com'] }))
  test('takes every type of an origin that names none', () => expect(writeOf({ ...EMPTY_CHANNEL, sources: [{ provider: 'whodid', types: '' }] }).sources).toEqual([{ provider: 'whodid', finding_types: ['ALL'] }]))
})

describe('what cannot be sent', () => {
  const named = { ...EMPTY_CHANNEL, name: 'ops' }
  test.each([
    [{ ...named, url: '' }, 'address of the webhook'],
    [{ ...named, url: 'hooks.slack.com' }, 'https://'],
    [{ ...named, kind: 'email' as const, to: 'bob' }, '“bob” is no address'],
    [{ ...named, kind: 'webhook' as const, url: 'https://a.example/', signing: 'hmac' as const, secret: 'short' }, '16 characters'],
    [{ ...named, kind: 'syslog' as const, host: 'a', port: '70000' }, 'port'],
    [{ ...named, url: 'https://a.example/', severities: [] }, 'severity'],
    [{ ...named, url: 'https://a.example/', rateLimit: '0' }, 'Notices an hour'],
  ])('%#', (form, words) => expect(problemOf(form)).toContain(words))
  test('nothing is wrong with a good one', () => expect(problemOf({ ...named, url: 'https://hooks.slack.com/x' })).toBeUndefined())
  describe('kept secrets', () => {
    const elsewhere = (url: string) => problemOf({ ...formOf(webhook), url }, webhook)
    test.each(['https://hooks.example.com/in', ' https://HOOKS.example.com:443/in '])('stay where the address does: %s', (url) => expect(elsewhere(url)).toBeUndefined())
    test.each(['https://elsewhere.example.com/in', 'http://hooks.example.com/in', 'https://hooks.example.com:8443/in', 'https://hooks.example.com/other', 'https://hooks.example.com/in?to=other'])('do not go to %s', (url) => expect(elsewhere(url)).toBe('The address is another one now: enter the secrets again.'))
    test('entered again, they go anywhere', () => {
      const form = { ...formOf(webhook), url: 'https://hooks.example.com/other', headers: [{ name: 'Authorization', value: 'Bearer new' }] }
      expect(problemOf(form, webhook)).toContain('enter the secrets again')
      expect(problemOf({ ...form, secret: 'a new key, long enough' }, webhook)).toBeUndefined()
      expect(problemOf({ ...form, signing: 'none' }, webhook)).toBeUndefined()
    })
    test('stay with their header', () => {
      const [header] = formOf(webhook).headers
      expect(problemOf({ ...formOf(webhook), headers: [{ name: 'X-Token', value: header?.value ?? '' }] }, webhook)).toContain('enter that of “X-Token”')
      expect(problemOf({ ...formOf(webhook), headers: [...formOf(webhook).headers, { name: 'authorization', value: 'Bearer new' }] }, webhook)).toBe('Two headers are called “authorization”.')
    })
    test('do not go to another region of PagerDuty', () => {
      const channel: Channel = { ...base, receiver: { type: 'pagerduty', routing_key: '…ab', auto_resolve: true, url: 'https://events.pagerduty.com/v2/enqueue' } }
      expect(problemOf({ ...formOf(channel), pagerdutyUrl: '' }, channel)).toBeUndefined()
      const form = { ...formOf(channel), pagerdutyUrl: 'https://events.eu.pagerduty.com/v2/enqueue' }
      expect(problemOf(form, channel)).toContain('enter the integration key again')
      expect(problemOf({ ...form, routingKey: '0123456789abcdef0123456789abcdef' }, channel)).toBeUndefined()
    })
  })
})

test('severities in words', () => {
  expect([['critical', 'high'], ['medium', 'critical', 'high'], ['low'], ['critical', 'low'], ['critical', 'high', 'medium', 'low', 'informational'], ['critical']].map((list) => severityWords(list as never))).toEqual(['high and graver', 'medium and graver', 'low', 'critical, low', 'every severity', 'critical'])
})
