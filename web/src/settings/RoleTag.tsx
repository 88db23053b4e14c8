import type { HeldRole, RoleToGive } from '../api/shapes'

/** Where and how far a role reaches, in words; undefined when everywhere. */
export function reachText({ spaces, query }: Pick<RoleToGive, 'spaces' | 'query'>): string | undefined {
  const parts = [...(spaces !== undefined && spaces.length > 0 ? [`in ${spaces.join(', ')}`] : []), ...(query !== undefined ? [`only ${query}`] : [])]
  return parts.length === 0 ? undefined : parts.join('; ')
}

/** A role somebody has; with its limits, and by which group. */
export function RoleTag({ role }: { role: Pick<HeldRole, 'role' | 'spaces' | 'query'> & { group?: string | null } }) {
  const reach = reachText(role)
  const byGroup = role.group !== undefined && role.group !== null
  return (
    <span className={`tag role-tag${role.role === 'administrator' ? ' tag-accent' : ''}`} title={[reach, byGroup ? 'by a group' : undefined].filter(Boolean).join(' · ') || undefined}>
      {role.role}
      {reach !== undefined && <span className="role-reach"> {reach}</span>}
      {byGroup && <span className="visually-hidden"> by a group</span>}
    </span>
  )
}
