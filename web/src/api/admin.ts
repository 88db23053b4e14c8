/** People, rights, keys, sessions and settings of an account. */
import { http, searchText, take } from './http'
import type {
  AccessReview, Account, AccountCreate, Binding, BindingCreate, Group, GroupUpdate, Invitation, InvitationCreate, InvitationCreated, Key, KeyCreate, KeyCreated, KeyUpdate, LinkCreated, Role, RoleList,
  SessionSummary, Settings, SettingsUpdate, UserEntry, UserUpdate,
} from './shapes'

const of = (id: string) => ({ params: { path: { id } } })

export const admin = {
  users: (signal: AbortSignal): Promise<UserEntry[]> => take(http.GET('/api/v1/users', { signal })).then((answer) => answer.users),
  user: (id: string, signal: AbortSignal): Promise<UserEntry> => take(http.GET('/api/v1/users/{id}', { ...of(id), signal })),
  updateUser: (id: string, body: UserUpdate): Promise<UserEntry> => take(http.PATCH('/api/v1/users/{id}', { ...of(id), body })),
  removeUser: (id: string) => take(http.DELETE('/api/v1/users/{id}', of(id))),
  unlockUser: (id: string) => take(http.POST('/api/v1/users/{id}/unlock', of(id))),
  resetLink: (id: string): Promise<LinkCreated> => take(http.POST('/api/v1/users/{id}/password-reset', of(id))),
  removeUserTotp: (id: string) => take(http.DELETE('/api/v1/users/{id}/totp', of(id))),
  endUserSessions: (id: string): Promise<number> => take(http.DELETE('/api/v1/users/{id}/sessions', of(id))).then((answer) => answer.ended),

  invitations: (signal: AbortSignal): Promise<Invitation[]> => take(http.GET('/api/v1/invitations', { signal })).then((answer) => answer.invitations),
  invite: (body: InvitationCreate): Promise<InvitationCreated> => take(http.POST('/api/v1/invitations', { body })),
  deleteInvitation: (id: string) => take(http.DELETE('/api/v1/invitations/{id}', of(id))),

  groups: (signal: AbortSignal): Promise<Group[]> => take(http.GET('/api/v1/groups', { signal })).then((answer) => answer.groups),
  createGroup: (body: { name: string; description?: string; members?: string[] }): Promise<Group> => take(http.POST('/api/v1/groups', { body })),
  updateGroup: (id: string, body: GroupUpdate): Promise<Group> => take(http.PATCH('/api/v1/groups/{id}', { ...of(id), body })),
  deleteGroup: (id: string) => take(http.DELETE('/api/v1/groups/{id}', of(id))),

  roles: (signal: AbortSignal): Promise<RoleList> => take(http.GET('/api/v1/roles', { signal })),
  createRole: (body: { name: string; description?: string; permissions: string[] }): Promise<Role> => take(http.POST('/api/v1/roles', { body })),
  updateRole: (name: string, body: { description?: string; permissions?: string[] }): Promise<Role> => take(http.PATCH('/api/v1/roles/{name}', { params: { path: { name } }, body })),
  deleteRole: (name: string) => take(http.DELETE('/api/v1/roles/{name}', { params: { path: { name } } })),

  bindings: (signal: AbortSignal): Promise<Binding[]> => take(http.GET('/api/v1/bindings', { signal })).then((answer) => answer.bindings),
  createBinding: (body: BindingCreate): Promise<Binding> => take(http.POST('/api/v1/bindings', { body })),
  deleteBinding: (id: string) => take(http.DELETE('/api/v1/bindings/{id}', of(id))),
  accessReview: (signal: AbortSignal): Promise<AccessReview> => take(http.GET('/api/v1/access-review', { params: { query: { format: 'json' } }, signal })) as Promise<AccessReview>,

  keys: (signal: AbortSignal): Promise<Key[]> => take(http.GET('/api/v1/keys', { signal })).then((answer) => answer.keys),
  createKey: (body: KeyCreate): Promise<KeyCreated> => take(http.POST('/api/v1/keys', { body })),
  updateKey: (id: string, body: KeyUpdate): Promise<Key> => take(http.PATCH('/api/v1/keys/{id}', { ...of(id), body })),
  rotateKey: (id: string, overlap: string): Promise<KeyCreated> => take(http.POST('/api/v1/keys/{id}/rotate', { ...of(id), body: { overlap } })),
  revokeKey: (id: string) => take(http.DELETE('/api/v1/keys/{id}', of(id))),

  sessions: (signal: AbortSignal): Promise<SessionSummary[]> => take(http.GET('/api/v1/sessions', { signal })).then((answer) => answer.sessions),
  endSession: (id: string) => take(http.DELETE('/api/v1/sessions/{id}', of(id))),

  settings: (signal: AbortSignal): Promise<Settings> => take(http.GET('/api/v1/settings', { signal })),
  updateSettings: (body: SettingsUpdate): Promise<Settings> => take(http.PATCH('/api/v1/settings', { body })),
  accounts: (signal: AbortSignal): Promise<Account[]> => take(http.GET('/api/v1/accounts', { signal })).then((answer) => answer.accounts),
  createAccount: (body: AccountCreate): Promise<Account> => take(http.POST('/api/v1/accounts', { body })),
}

/** Address of the access review as a CSV file. */
export const reviewAddress = (): string => `/api/v1/access-review${searchText({ format: 'csv' })}`
