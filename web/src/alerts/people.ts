/**
 * Who alerts name. Whose an alert is the server says by id, `user:w6gg…`, and finds “me” by the same; who did something
 * it says by name.
 */
import { useQuery } from '@tanstack/react-query'
import { admin } from '../api/admin'
import type { Me, UserEntry } from '../api/shapes'
import { useSigned } from '../session/me'

const USER = 'user:'
const KEY = 'key:'

export const labelOf = (user: { id: string }): string => `${USER}${user.id}`

export function isMine(label: string | null, me: Me): boolean {
  return label !== null && (label === labelOf(me.user) || label === me.user.name)
}

/** The name that people know. */
export function nameOf(label: string, me: Me, users: readonly Pick<UserEntry, 'id' | 'name'>[]): string {
  if (isMine(label, me)) return me.user.name
  if (label.startsWith(USER)) return users.find((user) => user.id === label.slice(USER.length))?.name ?? `user ${label.slice(USER.length)}`
  return label.startsWith(KEY) ? `key ${label.slice(KEY.length)}` : label
}

export interface People {
  me: Me
  users: readonly UserEntry[]
  mine: (label: string | null) => boolean
  name: (label: string) => string
}

const NOBODY: readonly UserEntry[] = []

export function usePeople(): People {
  const { me, rights } = useSigned()
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => admin.users(signal), staleTime: 300_000, enabled: rights.may('users.read') }).data ?? NOBODY
  return { me, users, mine: (label) => isMine(label, me), name: (label) => nameOf(label, me, users) }
}
