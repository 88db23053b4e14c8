/** What a person may do in one account, and which pages that opens. */
import type { Me, Membership } from '../api/shapes'

/** The names that pages ask for; the server knows more. */
export type Permission =
  | 'events.write' | 'space-events.read' | 'account-events.read' | 'own-activity.read' | 'events.export' | 'events.erase' | 'rejects.read' | 'audit.read'
  | 'keys.read' | 'keys.manage' | 'users.read' | 'users.manage' | 'roles.manage' | 'sessions.manage' | 'settings.read' | 'settings.manage'
  | 'rules.read' | 'rules.manage' | 'alerts.read' | 'alerts.manage' | 'channels.manage'

export class Rights {
  readonly membership: Membership | undefined
  readonly isOperator: boolean

  /** `account`: the one the address names; the server's own choice without it. */
  constructor(me: Me, account: string | undefined) {
    this.membership = me.memberships.find((candidate) => candidate.account === (account ?? me.account))
    this.isOperator = me.is_operator
  }

  may(permission: Permission): boolean {
    return this.membership?.permissions.includes(permission) ?? false
  }

  /** Whether nothing of the account's events is hidden from the person. */
  get seesAllEvents(): boolean {
    return READS_EVENTS.every((permission) => this.may(permission)) && this.membership?.is_narrowed === false && this.membership.spaces.length === 0
  }

  mayAny(permissions: readonly Permission[]): boolean {
    return permissions.some((permission) => this.may(permission))
  }
}

export const READS_EVENTS: readonly Permission[] = ['space-events.read', 'account-events.read']
/** Channels and what they were told, without changing them. */
export const SEES_CHANNELS: readonly Permission[] = ['alerts.read', 'rules.read', 'channels.manage']
/** Whoever may do one of these finds something to do or to look at under Settings. */
export const SEES_SETTINGS: readonly Permission[] = ['users.read', 'keys.read', 'settings.read', 'events.export', 'events.erase', ...SEES_CHANNELS]
/** What the days, downloads, retention and removal of stored events ask for, each its own. */
export const SEES_STORED: readonly Permission[] = [...READS_EVENTS, 'settings.read', 'events.export', 'events.erase']

export type Place = '/' | '/activity' | '/insights' | '/alerts' | '/rules' | '/audit' | '/rejects' | '/settings/keys' | '/settings' | '/me/activity'

/** What a place needs one of; nothing for what everybody has. */
export const PLACES: Record<Exclude<Place, '/'>, readonly Permission[]> = {
  '/activity': READS_EVENTS,
  '/insights': READS_EVENTS,
  '/alerts': ['alerts.read'],
  '/rules': ['rules.read'],
  '/audit': ['audit.read'],
  '/rejects': ['rejects.read'],
  '/settings/keys': ['keys.read'],
  '/settings': SEES_SETTINGS,
  '/me/activity': [],
}

export function maySee(rights: Rights, place: Place): boolean {
  // Its numbers are counted over events.
  if (place === '/') return rights.may('alerts.read') && rights.mayAny(READS_EVENTS)
  // They tell of every event in sentence and evidence: the server shows them whole or not at all.
  if (place === '/insights') return rights.seesAllEvents
  const needed = PLACES[place]
  return needed.length === 0 || rights.mayAny(needed)
}

/** Where somebody lands who names no page. */
export function landing(rights: Rights): Place {
  if (maySee(rights, '/')) return '/'
  return maySee(rights, '/activity') ? '/activity' : '/me/activity'
}
