/** Which role, where, and how far: the part that inviting and giving a role share. */
import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { admin } from '../api/admin'
import type { RoleToGive } from '../api/shapes'
import { listed } from '../keys/kinds'
import { QueryField } from './QueryField'

export interface RoleDraft {
  role: string
  spaces: string
  query: string
}

export const NO_ROLE: RoleDraft = { role: 'reader', spaces: '', query: '' }

export function roleOf(draft: RoleDraft): RoleToGive {
  const spaces = listed(draft.spaces)
  return { role: draft.role, ...(spaces.length > 0 ? { spaces } : {}), ...(draft.query.trim() === '' ? {} : { query: draft.query.trim() }) }
}

export function RoleChoice({ value, onChange }: { value: RoleDraft; onChange: (value: RoleDraft) => void }) {
  const roles = useQuery({ queryKey: ['roles'], queryFn: ({ signal }) => admin.roles(signal), staleTime: 60_000 })
  const id = useId()
  const chosen = roles.data?.roles.find((role) => role.name === value.role)
  return (
    <>
      <div className="field">
        <label htmlFor={`${id}-role`}>Role</label>
        <select id={`${id}-role`} className="field-input" value={value.role} onChange={(event) => onChange({ ...value, role: event.target.value })}>
          {(roles.data?.roles ?? [{ name: value.role }]).map((role) => (
            <option key={role.name} value={role.name}>
              {role.name}
            </option>
          ))}
        </select>
        <p className="field-hint">{roles.isError ? roles.error.message : chosen?.description}</p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-spaces`}>Only in these spaces (optional)</label>
        <input id={`${id}-spaces`} type="text" className="field-input" autoComplete="off" spellCheck={false} placeholder="dev, prod" value={value.spaces} onChange={(event) => onChange({ ...value, spaces: event.target.value })} />
        <p className="field-hint">Empty: everywhere in the account.</p>
      </div>
      <QueryField id={`${id}-query`} value={value.query} onChange={(query) => onChange({ ...value, query })} />
    </>
  )
}
