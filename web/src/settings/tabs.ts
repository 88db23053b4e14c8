/** The tabs of Settings and who sees each. */
import { SEES_CHANNELS, SEES_STORED, type Rights } from '../session/rights'

export interface SettingsTab {
  to: '/settings/users' | '/settings/invitations' | '/settings/groups' | '/settings/roles' | '/settings/bindings' | '/settings/keys' | '/settings/sessions' | '/settings/notifications' | '/settings/stored-events' | '/settings/account' | '/settings/accounts'
  label: string
  isSeen: (rights: Rights) => boolean
}

const reads = (rights: Rights): boolean => rights.may('users.read')

export const TABS: readonly SettingsTab[] = [
  { to: '/settings/users', label: 'Users', isSeen: reads },
  { to: '/settings/invitations', label: 'Invitations', isSeen: reads },
  { to: '/settings/groups', label: 'Groups', isSeen: reads },
  { to: '/settings/roles', label: 'Roles', isSeen: reads },
  { to: '/settings/bindings', label: 'Bindings', isSeen: reads },
  { to: '/settings/keys', label: 'Keys', isSeen: (rights) => rights.may('keys.read') },
  { to: '/settings/sessions', label: 'Sessions', isSeen: (rights) => rights.may('sessions.manage') },
  { to: '/settings/notifications', label: 'Notifications', isSeen: (rights) => rights.mayAny(SEES_CHANNELS) },
  { to: '/settings/stored-events', label: 'Stored events', isSeen: (rights) => rights.mayAny(SEES_STORED) },
  { to: '/settings/account', label: 'Account', isSeen: (rights) => rights.may('settings.read') },
  { to: '/settings/accounts', label: 'Accounts', isSeen: (rights) => rights.isOperator },
]
