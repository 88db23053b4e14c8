import { describe, expect, test } from 'vitest'
import type { Me } from '../api/shapes'
import { landing, maySee, Rights, type Place } from './rights'

function rights(permissions: string[], account?: string, isOperator = false): Rights {
  const me = {
    account: 'default', is_operator: isOperator,
    memberships: [{ account: 'default', title: 'Default', permissions, spaces: [], is_narrowed: false, takes_reports: true }, { account: 'lab', title: 'Lab', permissions: ['audit.read'], spaces: [], is_narrowed: false, takes_reports: true }],
  } as unknown as Me
  return new Rights(me, account)
}

const seen = (of: Rights) => (['/', '/activity', '/insights', '/alerts', '/rules', '/audit', '/rejects', '/settings/keys', '/settings', '/me/activity'] satisfies Place[]).filter((place) => maySee(of, place))

describe('what a person sees', () => {
  test('a member sees and lands on their own activity', () => {
    const member = rights(['own-activity.read'])
    expect(seen(member)).toEqual(['/me/activity'])
    expect(landing(member)).toBe('/me/activity')
  })
  test('a reader of spaces sees Activity and no settings', () => expect(seen(rights(['own-activity.read', 'space-events.read']))).toEqual(['/activity', '/me/activity']))
  test('who exports sees Settings for the downloads there', () => expect(seen(rights(['space-events.read', 'events.export']))).toEqual(['/activity', '/settings', '/me/activity']))
  test('who reads keys sees Settings for their sake', () => expect(seen(rights(['keys.read']))).toEqual(['/settings/keys', '/settings', '/me/activity']))
  test('who reads alerts sees Alerts, and Settings for the channels there', () => expect(seen(rights(['alerts.read']))).toEqual(['/insights', '/alerts', '/settings', '/me/activity']))
  test('who reads alerts and events lands at Home', () => {
    const reader = rights(['alerts.read', 'space-events.read'])
    expect(seen(reader)).toEqual(['/', '/activity', '/insights', '/alerts', '/settings', '/me/activity'])
    expect(landing(reader)).toBe('/')
    expect(landing(rights(['space-events.read']))).toBe('/activity')
  })
  test('who manages channels sees Settings for their sake', () => expect(seen(rights(['channels.manage']))).toEqual(['/settings', '/me/activity']))
  test('who reads rules sees Rules, and Settings for the channels there', () => expect(seen(rights(['rules.read']))).toEqual(['/rules', '/settings', '/me/activity']))
  test('rights are those of the account that the address names', () => {
    expect(rights(['users.read'], 'lab').may('users.read')).toBe(false)
    expect(seen(rights(['users.read'], 'lab'))).toEqual(['/audit', '/me/activity'])
  })
  test('of an account that is not theirs they see nothing', () => expect(rights(['users.read'], 'other').may('users.read')).toBe(false))
})
