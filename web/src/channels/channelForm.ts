/** A channel as its form has it, what is wrong with that, and what is sent. Pure. */
import type { Channel, ChannelWrite, Level, Receiver } from '../api/shapes'
import { LEVELS } from '../rules/words'
import type { Kind } from './kinds'

type WebhookReceiver = Extract<Receiver, { type: 'webhook' }>
type SyslogReceiver = Extract<Receiver, { type: 'syslog' }>

export interface ChannelForm {
  name: string
  description: string
  isEnabled: boolean
  severities: Level[]
  /** Empty for every origin. */
  sources: { provider: string; types: string }[]
  rateLimit: string
  timeZone: string
  kind: Kind
  /** Addresses of mail, by blanks, commas or lines. */
  to: string
  /** Of Slack, Teams or a webhook. */
  url: string
  routingKey: string
  autoResolve: boolean
  /** Of another region of PagerDuty. */
  pagerdutyUrl: string
  method: NonNullable<WebhookReceiver['method']>
  headers: { name: string; value: string }[]
  template: string
  signing: 'none' | 'hmac' | 'jwt'
  secret: string
  host: string
  port: string
  transport: SyslogReceiver['transport']
}

export const ALL = 'ALL'
const MASK = '…'

export const isMask = (text: string): boolean => text.includes(MASK)

export const EMPTY_CHANNEL: ChannelForm = {
  name: '', description: '', isEnabled: true, severities: ['critical', 'high', 'medium'], sources: [], rateLimit: '60', timeZone: 'UTC', kind: 'slack', to: '', url: '', routingKey: '', autoResolve: true, pagerdutyUrl: '',
  method: 'post', headers: [], template: '', signing: 'none', secret: '', host: '', port: '6514', transport: 'tls',
}

export function formOf(channel: Channel): ChannelForm {
  const form: ChannelForm = {
    ...EMPTY_CHANNEL,
    name: channel.name,
    description: channel.description,
    isEnabled: channel.is_enabled,
    severities: channel.severities,
    sources: channel.sources.map((source) => ({ provider: source.provider, types: (source.finding_types ?? [ALL]).join(', ') })),
    rateLimit: String(channel.rate_limit),
    timeZone: channel.time_zone,
    kind: channel.receiver.type,
  }
  const { receiver } = channel
  switch (receiver.type) {
    case 'email':
      return { ...form, to: receiver.to.join('\n') }
    case 'slack':
    case 'teams':
      return { ...form, url: receiver.url }
    case 'pagerduty':
      return { ...form, routingKey: receiver.routing_key, autoResolve: receiver.auto_resolve ?? true, pagerdutyUrl: receiver.url ?? '' }
    case 'webhook': {
      const signing = receiver.signing ?? { type: 'none' }
      return {
        ...form,
        url: receiver.url,
        method: receiver.method ?? 'post',
        headers: Object.entries(receiver.headers ?? {}).map(([name, value]) => ({ name, value })),
        template: receiver.body_template ?? '',
        signing: signing.type,
        secret: signing.type === 'hmac' ? signing.secret : '',
      }
    }
    case 'syslog':
      return { ...form, host: receiver.host, port: String(receiver.port), transport: receiver.transport }
  }
}

const words = (text: string): string[] => text.split(/[\s,;]+/).filter((word) => word !== '')

function receiverOf(form: ChannelForm): Receiver {
  switch (form.kind) {
    case 'email':
      return { type: 'email', to: words(form.to) }
    case 'slack':
    case 'teams':
      return { type: form.kind, url: form.url.trim() }
    case 'pagerduty':
      return { type: 'pagerduty', routing_key: form.routingKey.trim(), auto_resolve: form.autoResolve, ...(form.pagerdutyUrl.trim() === '' ? {} : { url: form.pagerdutyUrl.trim() }) }
    case 'webhook':
      return {
        type: 'webhook',
        url: form.url.trim(),
        method: form.method,
        headers: Object.fromEntries(form.headers.filter((header) => header.name.trim() !== '').map((header) => [header.name.trim(), header.value.trim()])),
        ...(form.template.trim() === '' ? {} : { body_template: form.template }),
        signing: form.signing === 'hmac' ? { type: 'hmac', secret: form.secret } : { type: form.signing },
      }
    case 'syslog':
      return { type: 'syslog', host: form.host.trim(), port: Number(form.port), transport: form.transport }
  }
}

export function writeOf(form: ChannelForm): ChannelWrite {
  return {
    name: form.name.trim(),
    description: form.description.trim(),
    is_enabled: form.isEnabled,
    severities: LEVELS.filter((level) => form.severities.includes(level)),
    sources: form.sources.map((source) => ({ provider: source.provider.trim(), finding_types: words(source.types).length === 0 ? [ALL] : words(source.types) })),
    rate_limit: Number(form.rateLimit),
    time_zone: form.timeZone.trim(),
    receiver: receiverOf(form),
  }
}

/** An address in its one spelling; nothing for what is none. */
function addressOf(url: string): string | undefined {
  try {
    return new URL(url).href
  } catch {
    return undefined
  }
}

function urlProblem(url: string, what: string): string | undefined {
  const text = url.trim()
  if (text === '') return `Give ${what}.`
  return isMask(text) || addressOf(text) !== undefined ? undefined : 'An address begins with https://.'
}

/** The first thing that cannot be sent; the server knows more. `before`: the channel as it was. */
export function problemOf(form: ChannelForm, before?: Channel): string | undefined {
  if (form.name.trim() === '') return 'Give it a name.'
  const receiver = receiverProblem(form, before)
  if (receiver !== undefined) return receiver
  if (form.severities.length === 0) return 'Choose a severity, or switch the channel off.'
  if (form.sources.some((source) => source.provider.trim() === '')) return 'An origin needs a provider; ALL stands for each.'
  const rate = Number(form.rateLimit)
  if (!Number.isInteger(rate) || rate < 1 || rate > 3600) return 'Notices an hour: a whole number from 1 to 3600.'
  if (form.timeZone.trim() === '') return 'Give a time zone, such as Europe/Berlin.'
  return undefined
}

function receiverProblem(form: ChannelForm, before: Channel | undefined): string | undefined {
  switch (form.kind) {
    case 'email': {
      const addresses = words(form.to)
      if (addresses.length === 0) return 'Give an address of mail.'
      const wrong = addresses.find((address) => !/^[^@\s<>]+@[^@\s<>]+$/.test(address))
      return wrong === undefined ? undefined : `“${wrong}” is no address of mail.`
    }
    case 'slack':
    case 'teams':
      return urlProblem(form.url, 'the address of the webhook')
    case 'pagerduty':
      if (form.routingKey.trim() === '') return 'Give the integration key.'
      return leavesWithSecrets(form, before) ? 'The address is another one now: enter the integration key again.' : undefined
    case 'webhook': {
      const wrong = urlProblem(form.url, 'the address')
      if (wrong !== undefined) return wrong
      const headers = headerProblem(form, before)
      if (headers !== undefined) return headers
      if (form.signing === 'hmac' && !isMask(form.secret) && form.secret.length < 16) return 'The key of the signature has 16 characters or more.'
      return leavesWithSecrets(form, before) ? 'The address is another one now: enter the secrets again.' : undefined
    }
    case 'syslog': {
      if (form.host.trim() === '') return 'Give the collector’s host.'
      const port = Number(form.port)
      return Number.isInteger(port) && port >= 1 && port <= 65_535 ? undefined : 'A port is a number from 1 to 65535.'
    }
  }
}

function headerProblem({ headers }: ChannelForm, before: Channel | undefined): string | undefined {
  const names = headers.map((header) => header.name.trim())
  if (headers.some((header) => header.name.trim() === '' && header.value.trim() !== '')) return 'A header needs a name.'
  // Of two with one name only the last would be sent.
  const twice = names.find((name, at) => name !== '' && names.some((other, index) => index < at && other.toLowerCase() === name.toLowerCase()))
  if (twice !== undefined) return `Two headers are called “${twice}”.`
  const kept = before?.receiver.type === 'webhook' ? (before.receiver.headers ?? {}) : {}
  const moved = headers.find((header) => isMask(header.value) && kept[header.name.trim()] !== header.value.trim())
  return moved === undefined ? undefined : `The value that is kept belongs to another header: enter that of “${moved.name.trim()}”.`
}

/** Where PagerDuty takes events when no region is named. */
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

/** Whether kept secrets would go to another address, which the server refuses: another path may be another customer's. */
function leavesWithSecrets(form: ChannelForm, before: Channel | undefined): boolean {
  if (before === undefined) return false
  const now = receiverOf(form)
  if (now.type === 'pagerduty' && before.receiver.type === 'pagerduty') return isMask(now.routing_key) && !isSameAddress(now.url ?? PAGERDUTY_URL, before.receiver.url ?? PAGERDUTY_URL)
  if (now.type !== 'webhook' || before.receiver.type !== 'webhook') return false
  const keeps = Object.values(now.headers ?? {}).some(isMask) || (now.signing?.type === 'hmac' && isMask(now.signing.secret))
  return keeps && !isSameAddress(now.url, before.receiver.url)
}

/** What is no address is the same only letter for letter. */
const isSameAddress = (one: string, other: string): boolean => (addressOf(one) ?? one) === (addressOf(other) ?? other)

/** A channel as it is, but on or off. */
export const switched = (channel: Channel, isEnabled: boolean): ChannelWrite => writeOf({ ...formOf(channel), isEnabled })

/** What a channel is told, in words: `high and graver`. */
export function severityWords(severities: readonly Level[]): string {
  const chosen = LEVELS.filter((level) => severities.includes(level))
  const last = chosen.at(-1)
  if (last === undefined) return 'nothing'
  if (chosen.length === LEVELS.length) return 'every severity'
  if (chosen.length > 1 && LEVELS.indexOf(last) === chosen.length - 1) return `${last} and graver`
  return chosen.join(', ')
}
