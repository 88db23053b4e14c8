import { describe, expect, test } from 'vitest'
import type { Me, Membership } from '../api/shapes'
import { landing, maySee, Rights, type Place } from './rights'

function rights(permissions: string[], account?: string, isOperator = false, limits: Partial<Membership> = {}): Rights {
  const me = {
    account: 'default', is_operator: isOperator,
    memberships: [{ account: 'default', title: 'Default', permissions, spaces: [], is_narrowed: false, takes_reports: true, ...limits }, { account: 'lab', title: 'Lab', permissions: ['audit.read'], spaces: [], is_narrowed: false, takes_reports: true }],
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
  test('who reads alerts sees Alerts, and Settings for the channels there', () => expect(seen(rights(['alerts.read']))).toEqual(['/alerts', '/settings', '/me/activity']))
  test('who reads alerts and events lands at Home', () => {
    const reader = rights(['alerts.read', 'space-events.read'])
    expect(seen(reader)).toEqual(['/', '/activity', '/alerts', '/settings', '/me/activity'])
    expect(landing(reader)).toBe('/')
    expect(landing(rights(['space-events.read']))).toBe('/activity')
  })
  test('who may read every event sees Insights, which tell of all of them', () => {
    const all = ['space-events.read', 'account-events.read']
    expect(seen(rights(all))).toEqual(['/activity', '/insights', '/me/activity'])
    expect(maySee(rights(all, undefined, false, { spaces: ['prod'] }), '/insights')).toBe(false)
    expect(maySee(rights(all, undefined, false, { is_narrowed: true }), '/insights')).toBe(false)
  })
  test('who manages channels sees Settings for their sake', () => expect(seen(rights(['channels.manage']))).toEqual(['/settings', '/me/activity']))
  test('who reads rules sees Rules, and Settings for the channels there', () => expect(seen(rights(['rules.read']))).toEqual(['/rules', '/settings', '/me/activity']))
  test('rights are those of the account that the address names', () => {
    expect(rights(['users.read'], 'lab').may('users.read')).toBe(false)
    expect(seen(rights(['users.read'], 'lab'))).toEqual(['/audit', '/me/activity'])
  })
  test('of an account that is not theirs they see nothing', () => expect(rights(['users.read'], 'other').may('users.read')).toBe(false))
})
