// The mock's routes about people: signing in, one's own pages, and everything under Settings.
import { PERMISSIONS, Refusal, totp } from './identity.mjs'

const LOCK_FAILURES = 5
const gone = { status: 204 }
/** What can be done before what must be done first. */
const ALWAYS = new Set(['GET /me', 'POST /me/password', 'POST /me/reauthenticate', 'POST /me/totp', 'POST /me/totp/confirm', 'DELETE /sessions/current'].map((route) => route.replace(' ', ' /api/v1')))

/** `state`: as `makeIdentity` makes it. `ownEvents`: events in a person's name, newest first. `more`: further routes, as in the table. */
export function makePeople(state, switches, ownEvents, more) {
  const { id, users, roles, groups, bindings, invitations, settings, accounts, sessions, keys, tokens, links, challenges, tell } = state
  const find = (list, key, what) => list.find((item) => item.id === key) ?? (() => { throw new Refusal(404, 'not_found', `There is no ${what} ${key} in this account.`) })()
  const drop = (list, item) => list.splice(list.indexOf(item), 1)
  const cookieOf = (session) => ({ 'set-cookie': `whodid_session=${session.cookie}; Path=/; HttpOnly; SameSite=Strict` })
  const told = (actor, action, target, more = {}) => tell({ action, by: actor.user, session: actor.session?.id, address: actor.address, agent: actor.agent, target, severity: 'warning', ...more })

  function needsOf(user) {
    if (switches.needs !== '') return [switches.needs]
    const signsInHere = user.source === 'local' && settings.password_sign_in
    return [...(signsInHere && user.password === null ? ['set_password'] : signsInHere && user.must_change ? ['change_password'] : []), ...(settings.mfa_required && user.totp === null ? ['set_up_mfa'] : [])]
  }
  function begin(user, actor, method, mfa) {
    const session = { ...state.session('x', user.id), id: id('ses'), cookie: `mock-${state.text(24)}`, address: actor.address, agent: actor.agent, method, mfa, created_at: new Date().toISOString(), last_seen_at: new Date().toISOString() }
    sessions.unshift(session)
    user.before = user.now
    user.now = { at: session.created_at, address: actor.address, agent: actor.agent }
    user.last_signed_in_at = session.created_at
    user.failures = 0
    tell({ action: 'user.authenticate', by: user, session: session.id, target: { id: user.id, name: user.name }, address: actor.address, agent: actor.agent })
    return { status: 201, body: { expires_at: session.expires_at, needs: needsOf(user), user: me(user).user }, headers: cookieOf(session) }
  }
  function first(user, actor, method) {
    if (user.totp === null) return begin(user, actor, method, false)
    const challenge = state.text(20)
    challenges.set(challenge, { user, method })
    return { status: 202, body: { challenge, expires_at: new Date(Date.now() + 3e5).toISOString() } }
  }
  const codeFits = (user, code) => user.totp !== null && (code === totp(user.totp) || code === totp(user.totp, Date.now() - 30_000) || (switches.signed_in && code === '123456'))
  function prove(user, password, actor) {
    if (user && user.failures >= LOCK_FAILURES) throw new Refusal(429, 'too_many_tries', 'Too many tries. Wait a minute.', { 'retry-after': '60' })
    if (user && user.disabled_at === null && user.password === password) return
    if (user) user.failures += 1
    tell({ action: 'user.authenticate', by: 'unknown', outcome: 'failure', code: '401', target: { id: user?.id ?? 'unknown', name: user?.name }, why: 'the name or the password is wrong', address: actor.address, agent: actor.agent })
    throw new Refusal(401, 'sign_in_failed', 'The name or the password is wrong.')
  }
  function me(user, session) {
    const held = state.held(user)
    const main = { account: 'default', title: settings.title, permissions: state.permissionsOf(user), spaces: [...new Set(held.flatMap((binding) => binding.spaces ?? []))], is_narrowed: held.some((binding) => binding.query !== undefined), takes_reports: switches.reports && settings.own_activity_report }
    const memberships = user.is_operator ? [main, ...accounts.slice(1).map(({ name, title }) => ({ account: name, title, permissions: main.permissions, spaces: [], is_narrowed: false, takes_reports: true }))] : [main]
    return {
      user: { id: user.id, name: user.name, display_name: user.display_name, role: held.map((binding) => binding.role).sort((a, b) => roles.findIndex((role) => role.name === a) - roles.findIndex((role) => role.name === b))[0] ?? 'member' },
      account: 'default', accounts: memberships.map((membership) => membership.account), memberships, has_mfa: user.totp !== null, has_password: user.password !== null && switches.needs !== 'set_password', is_operator: user.is_operator, needs: needsOf(user), password_length_min: settings.password_length_min,
      recovery_codes_left: user.codes.length, version: '0.1.0', last_sign_in: user.before ?? { at: new Date(Date.now() - 7.1e6).toISOString(), address: '198.51.100.23', agent: state.agents.firefox },
      session: session ? { id: session.id, expires_at: session.expires_at, fresh_until: new Date(user.fresh_until).toISOString(), idle_until: session.expires_at, mfa: session.mfa } : null,
    }
  }
  const link = (token, kind) => {
    const found = links.get(token)
    if (!found || (kind && found.kind !== kind)) throw new Refusal(401, 'link_expired', 'No link has this token, or it has expired.')
    if (found.used) throw new Refusal(401, 'link_used', 'The link was used already.')
    return found
  }
  const newKey = (body, prefix, more) => {
    const key = `${prefix}_${state.text(40)}`
    const item = { id: id('key'), kind: body.kind, name: body.name, masked: `${key.slice(0, 8)}…${key.slice(-4)}`, created_at: new Date().toISOString(), created_by: null, expires_at: state.expiry(body.expires), last_used_at: null, last_used_from: null, revoked_at: null, successor_of: null, scope: body.scope ?? {}, ...more }
    return { item, answer: { status: 201, body: { id: item.id, kind: item.kind, name: item.name, created_at: item.created_at, ...(item.expires_at ? { expires_at: item.expires_at } : {}), key } } }
  }
  const PREFIX = { ingestion: 'wik', service: 'wsk', personal: 'wpt' }
  const objectOf = (kind) => ({ ingestion: 'ingestion-key', service: 'service-key', personal: 'personal-token' })[kind]
  const keyDeeds = (list, what) => ({
    update: ({ params, body, actor }) => {
      const item = find(list, params.id, what)
      const before = { name: item.name, scope: item.scope, expires: item.expires_at ?? 'never' }
      Object.assign(item, body.name ? { name: body.name } : {}, body.scope ? { scope: body.scope } : {}, body.expires ? { expires_at: state.expiry(body.expires) } : {})
      told(actor, `${objectOf(item.kind)}.update`, { id: item.id, name: item.name }, { before, after: { name: item.name, scope: item.scope, expires: item.expires_at ?? 'never' } })
      return { body: item }
    },
    rotate: ({ params, body, actor }) => {
      const old = find(list, params.id, what)
      const { item, answer } = newKey({ ...old, expires: undefined }, PREFIX[old.kind], { ...(old.user ? { user: old.user, permissions: old.permissions } : {}), created_by: actor.user.name, successor_of: old.id, expires_at: old.expires_at, scope: old.scope })
      old.expires_at = state.expiry(body.overlap ?? '24h')
      list.unshift(item)
      told(actor, `${objectOf(old.kind)}.rotate`, { id: item.id, name: item.name }, { before: { key: old.masked }, after: { key: item.masked } })
      return answer
    },
    revoke: ({ params, actor }) => {
      const item = find(list, params.id, what)
      item.revoked_at ??= new Date().toISOString()
      told(actor, `${objectOf(item.kind)}.delete`, { id: item.id, name: item.name }, { before: { name: item.name, kind: item.kind }, severity: 'critical' })
      return gone
    },
  })
  const keyRoutes = keyDeeds(keys, 'key')
  const tokenRoutes = keyDeeds(tokens, 'token')
  const bind = (body, actor) => {
    const owner = body.user ? find(users, body.user, 'user') : find(groups, body.group, 'group')
    const binding = { id: id('bnd'), user: body.user ?? null, group: body.group ?? null, role: body.role, created_at: new Date().toISOString(), origin: 'manual', ...(body.spaces ? { spaces: body.spaces } : {}), ...(body.query ? { query: body.query } : {}) }
    bindings.unshift(binding)
    told(actor, 'role-binding.create', { id: binding.id, name: owner.name }, { severity: 'critical', request: body.user ? { userId: body.user } : { groupId: body.group }, after: { role: body.role, ...(body.spaces ? { spaces: body.spaces } : {}), ...(body.query ? { query: body.query } : {}) } })
    return { ...binding, name: owner.name }
  }
  const groupOut = (group) => ({ id: group.id, name: group.name, description: group.description, members: group.members.map((member) => ({ id: member, name: find(users, member, 'user').name })), roles: bindings.filter((binding) => binding.group === group.id).map(state.heldRole) })
  const roleOut = (role) => ({ ...role, bindings: bindings.filter((binding) => binding.role === role.name).length })
  const bindingOut = (binding) => ({ ...binding, name: (binding.user ? find(users, binding.user, 'user') : find(groups, binding.group, 'group')).name })
  const list = (name, items) => ({ body: { [name]: items } })
  const origin = (actor) => actor.origin

  // method and path, what it needs (a permission, or one of several; `me` for any session; nothing for everybody), whether it must be fresh
  const table = [
    ['GET /sign-in/methods', '', () => ({ body: { password: settings.password_sign_in, identity_provider: switches.provider ? { name: 'Example SSO', start: '/sign-in/oidc' } : null } })],
    ['POST /sessions', '', ({ body, actor }) => {
      if (body.token) {
        const found = link(body.token, 'sign_in')
        found.used = true
        return begin(state.userOf(found.user), actor, 'link', false)
      }
      if (body.challenge) {
        const waiting = challenges.get(body.challenge)
        if (!waiting) throw new Refusal(401, 'link_expired', 'The second step took too long. Start over.')
        const { user, method } = waiting
        if (user.codes.includes(body.code)) { user.codes.splice(user.codes.indexOf(body.code), 1); return begin(user, actor, 'recovery', true) }
        if (!codeFits(user, body.code)) {
          if ((user.failures += 1) >= LOCK_FAILURES) throw new Refusal(429, 'too_many_tries', 'Too many tries.', { 'retry-after': '60' })
          throw new Refusal(401, 'code_wrong', 'The code is wrong or too old.')
        }
        challenges.delete(body.challenge)
        return begin(user, actor, method, true)
      }
      const user = state.userOf(body.user)
      prove(user, body.password, actor)
      return first(user, actor, 'password')
    }],
    ['POST /links/look', '', ({ body }) => {
      const invited = invitations.find((invitation) => invitation.token === body.token)
      if (invited) return { body: { kind: 'invitation', account: 'default', user: invited.name, display_name: invited.display_name, expires_at: invited.expires_at, has_identity: state.userOf(invited.name) !== undefined, password_length_min: settings.password_length_min } }
      const found = link(body.token)
      const user = state.userOf(found.user)
      return { body: { kind: found.kind, account: null, user: user?.name ?? '', display_name: user?.display_name ?? '', expires_at: new Date(Date.now() + 8e7).toISOString(), has_identity: true, password_length_min: settings.password_length_min } }
    }],
    ['POST /invitations/accept', '', ({ body, actor }) => {
      const invited = invitations.find((invitation) => invitation.token === body.token)
      if (!invited) throw new Refusal(401, 'link_expired', 'The invitation has expired or was taken back.')
      let user = state.userOf(invited.name)
      if (user) prove(user, body.password, actor)
      else {
        state.checkPassword(body.password)
        user = { id: id('usr'), name: invited.name, display_name: body.display_name ?? invited.display_name, password: body.password, totp: null, codes: [], also_known_as: [], created_at: new Date().toISOString(), disabled_at: null, locked_until: null, reset_requested_at: null, last_signed_in_at: null, last_read_at: null, is_home: true, is_operator: false, source: 'local', failures: 0, fresh_until: Date.now() + 6e5 }
        users.push(user)
      }
      for (const role of invited.roles.length > 0 ? invited.roles : [{ role: 'member' }]) bindings.unshift({ id: id('bnd'), user: user.id, group: null, created_at: new Date().toISOString(), origin: 'manual', ...role })
      for (const name of invited.groups) groups.find((group) => group.name === name)?.members.push(user.id)
      drop(invitations, invited)
      tell({ action: 'invitation.accept', by: user, target: { id: invited.id, name: invited.name }, address: actor.address, agent: actor.agent })
      return first(user, actor, 'password')
    }],
    ['POST /password-resets', '', ({ body }) => { const user = state.userOf(body.user); if (user) user.reset_requested_at = new Date().toISOString(); return { status: 202 } }],
    ['POST /password-resets/commit', '', ({ body }) => {
      const found = link(body.token, 'password_reset')
      state.checkPassword(body.password)
      found.used = true
      Object.assign(state.userOf(found.user), { password: body.password, reset_requested_at: null, failures: 0 })
      return gone
    }],
    ['DELETE /sessions/current', 'me', ({ actor }) => { if (actor.session) drop(sessions, actor.session); return { status: 204, headers: { 'set-cookie': 'whodid_session=; Path=/; Max-Age=0' } } }],

    ['GET /me', 'me', ({ actor }) => ({ body: me(actor.user, actor.session) })],
    ['POST /me/reauthenticate', 'me', ({ body, actor }) => {
      const { user } = actor
      if (user.totp !== null && !codeFits(user, body.code)) throw new Refusal(401, 'code_wrong', 'The code is wrong or too old.')
      if (user.password !== null && user.password !== body.password) throw new Refusal(401, 'sign_in_failed', 'This is not your password.')
      user.fresh_until = Date.now() + 6e5
      switches.stale = false
      return gone
    }],
    ['POST /me/password', 'me', ({ body, actor }) => {
      if (actor.user.source === 'oidc') throw new Refusal(409, 'conflict', 'your password is the identity provider\'s; change it there')
      if (actor.user.password !== null && actor.user.password !== body.current) throw new Refusal(401, 'sign_in_failed', 'This is not your password.')
      state.checkPassword(body.new)
      Object.assign(actor.user, { password: body.new, must_change: false })
      if (switches.needs.endsWith('password')) switches.needs = ''
      for (const other of sessions.filter((session) => session.user === actor.user.id && session !== actor.session)) drop(sessions, other)
      told(actor, 'password.update', { id: actor.user.id, name: actor.user.name })
      return gone
    }, true],
    ['POST /me/totp', 'me', ({ actor }) => { actor.user.draft = state.text(32, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'); return { status: 201, body: { secret: actor.user.draft, uri: `otpauth://totp/whodid:${encodeURIComponent(actor.user.name)}?secret=${actor.user.draft}&issuer=whodid` } } }, true],
    ['POST /me/totp/confirm', 'me', ({ body, actor }) => {
      const { user } = actor
      if (!(switches.signed_in && body.code === '123456') && body.code !== totp(user.draft) && body.code !== totp(user.draft, Date.now() - 30_000)) throw new Refusal(401, 'code_wrong', 'The code is wrong or too old.')
      Object.assign(user, { totp: user.draft, codes: Array.from({ length: 10 }, () => `${state.text(5)}-${state.text(5)}`) })
      if (switches.needs === 'set_up_mfa') switches.needs = ''
      told(actor, 'mfa.enable', { id: user.id, name: user.name })
      return { body: { codes: user.codes } }
    }],
    ['DELETE /me/totp', 'me', ({ actor }) => { if (settings.mfa_required) throw new Refusal(409, 'in_use', 'The account asks everybody for a second factor.'); actor.user.totp = null; told(actor, 'mfa.disable', { id: actor.user.id, name: actor.user.name }, { severity: 'critical' }); return gone }, true],
    ['POST /me/recovery-codes', 'me', ({ actor }) => { actor.user.codes = Array.from({ length: 10 }, () => `${state.text(5)}-${state.text(5)}`); told(actor, 'mfa.update', { id: actor.user.id, name: actor.user.name }); return { status: 201, body: { codes: actor.user.codes } } }, true],
    ['GET /me/sessions', 'me', ({ actor }) => list('sessions', sessions.filter((session) => session.user === actor.user.id).map((session) => state.summary(session, actor.session)))],
    ['DELETE /me/sessions', 'me', ({ actor }) => { const others = sessions.filter((session) => session.user === actor.user.id && session !== actor.session); others.forEach((other) => drop(sessions, other)); return { body: { ended: others.length } } }],
    ['DELETE /me/sessions/{id}', 'me', ({ params, actor }) => { const session = find(sessions, params.id, 'session'); drop(sessions, session); told(actor, 'session.delete', { id: session.id, name: actor.user.name }); return gone }],
    ['GET /me/tokens', 'me', ({ actor }) => list('keys', tokens.filter((token) => token.user === actor.user.name))],
    ['POST /me/tokens', 'me', ({ body, actor }) => { const { item, answer } = newKey({ ...body, kind: 'personal' }, 'wpt', { user: actor.user.name, created_by: actor.user.name, ...(body.permissions ? { permissions: body.permissions } : {}) }); tokens.unshift(item); told(actor, 'personal-token.create', { id: item.id, name: item.name }, { severity: 'critical', after: { name: item.name, expires: item.expires_at ?? 'never' } }); return answer }, true],
    ['PATCH /me/tokens/{id}', 'me', tokenRoutes.update, true], ['POST /me/tokens/{id}/rotate', 'me', tokenRoutes.rotate, true], ['DELETE /me/tokens/{id}', 'me', tokenRoutes.revoke],
    ['POST /me/reports', 'me', ({ body, actor }) => {
      const others = sessions.filter((session) => session.user === actor.user.id && session !== actor.session)
      others.forEach((other) => drop(sessions, other))
      const mine = body.revoke_tokens === false ? [] : tokens.filter((token) => token.user === actor.user.name && token.revoked_at === null)
      for (const token of mine) token.revoked_at = new Date().toISOString()
      const event = ownEvents(actor.user).find((candidate) => candidate.record.id === body.event)
      told(actor, 'own-activity.notify', { id: body.event, name: event?.record.summary }, { severity: 'critical', request: { event: body.event, ...(body.note ? { note: body.note } : {}) } })
      if (actor.user.password !== null) actor.user.must_change = true
      return { status: 201, body: { sessions_ended: others.length, tokens_revoked: mine.length } }
    }],

    ['GET /users', 'users.read', () => list('users', [...users].sort((a, b) => a.name.localeCompare(b.name)).map(state.entry))],
    ['GET /users/{id}', 'users.read', ({ params }) => ({ body: state.entry(find(users, params.id, 'user')) })],
    ['PATCH /users/{id}', 'users.manage', ({ params, body, actor }) => {
      const user = find(users, params.id, 'user')
      const before = { display_name: user.display_name, also_known_as: user.also_known_as, disabled: user.disabled_at !== null }
      if (body.disabled !== undefined) {
        user.disabled_at = body.disabled ? new Date().toISOString() : null
        if (body.disabled) for (const session of sessions.filter((candidate) => candidate.user === user.id)) drop(sessions, session)
      }
      Object.assign(user, body.display_name !== undefined ? { display_name: body.display_name } : {}, body.also_known_as ? { also_known_as: body.also_known_as } : {})
      told(actor, body.disabled === undefined ? 'user.update' : body.disabled ? 'user.disable' : 'user.enable', { id: user.id, name: user.name }, { before, after: { display_name: user.display_name, also_known_as: user.also_known_as, disabled: user.disabled_at !== null } })
      return { body: state.entry(user) }
    }, true],
    ['DELETE /users/{id}', 'users.manage', ({ params, actor }) => { const user = find(users, params.id, 'user'); drop(users, user); for (const group of groups) group.members = group.members.filter((member) => member !== user.id); for (const binding of bindings.filter((candidate) => candidate.user === user.id)) drop(bindings, binding); told(actor, 'user.delete', { id: user.id, name: user.name }, { severity: 'critical', before: { name: user.name } }); return gone }, true],
    ['POST /users/{id}/unlock', 'users.manage', ({ params, actor }) => { const user = find(users, params.id, 'user'); Object.assign(user, { locked_until: null, failures: 0 }); told(actor, 'user.unlock', { id: user.id, name: user.name }); return gone }],
    ['POST /users/{id}/password-reset', 'users.manage', ({ params, actor }) => { const user = find(users, params.id, 'user'); const token = state.text(32); links.set(token, { kind: 'password_reset', user: user.id, fresh: true }); told(actor, 'password-reset.request', { id: user.id, name: user.name }); return { status: 201, body: { link: `${origin(actor)}/reset?token=${token}`, expires_at: new Date(Date.now() + 864e5).toISOString() } } }, true],
    ['DELETE /users/{id}/totp', 'users.manage', ({ params, actor }) => { const user = find(users, params.id, 'user'); user.totp = null; told(actor, 'mfa.disable', { id: user.id, name: user.name }, { severity: 'critical' }); return gone }, true],
    ['DELETE /users/{id}/sessions', 'sessions.manage', ({ params, actor }) => { const user = find(users, params.id, 'user'); const theirs = sessions.filter((session) => session.user === user.id); theirs.forEach((session) => drop(sessions, session)); told(actor, 'session.delete', { id: user.id, name: user.name }); return { body: { ended: theirs.length } } }],

    ['GET /invitations', 'users.read', () => list('invitations', invitations.map((invitation) => ({ ...invitation, token: undefined })))],
    ['POST /invitations', 'users.manage', ({ body, actor }) => {
      if (users.some((user) => user.name === body.name) && state.held(state.userOf(body.name)).length > 0) throw new Refusal(409, 'name_taken', `${body.name} is a user of this account already.`)
      const token = state.text(32)
      const invitation = { id: id('inv'), token, name: body.name, display_name: body.display_name ?? '', created_by: actor.user.name, created_at: new Date().toISOString(), expires_at: new Date(Date.now() + 7 * 864e5).toISOString(), groups: body.groups ?? [], roles: body.roles ?? [] }
      invitations.unshift(invitation)
      told(actor, 'invitation.create', { id: invitation.id, name: body.name }, { after: { name: body.name, roles: invitation.roles.map((role) => role.role), groups: invitation.groups } })
      return { status: 201, body: { invitation: { ...invitation, token: undefined }, link: `${origin(actor)}/invitation?token=${token}` } }
    }, true],
    ['DELETE /invitations/{id}', 'users.manage', ({ params, actor }) => { const invitation = find(invitations, params.id, 'invitation'); drop(invitations, invitation); told(actor, 'invitation.delete', { id: invitation.id, name: invitation.name }, { before: { name: invitation.name } }); return gone }],

    ['GET /groups', 'users.read', () => list('groups', groups.map(groupOut))],
    ['POST /groups', 'users.manage', ({ body, actor }) => { if (groups.some((group) => group.name === body.name)) throw new Refusal(409, 'name_taken', `There is a group ${body.name} already.`); const group = { id: id('grp'), name: body.name, description: body.description ?? '', members: body.members ?? [] }; groups.push(group); told(actor, 'group.create', { id: group.id, name: group.name }, { after: { name: group.name } }); return { status: 201, body: groupOut(group) } }, true],
    ['PATCH /groups/{id}', 'users.manage', ({ params, body, actor }) => {
      const group = find(groups, params.id, 'group')
      const named = () => ({ name: group.name, description: group.description, members: group.members.map((member) => find(users, member, 'user').name) })
      const before = named()
      Object.assign(group, { name: body.name ?? group.name, description: body.description ?? group.description, members: [...new Set([...group.members, ...(body.add ?? [])])].filter((member) => !(body.remove ?? []).includes(member)) })
      told(actor, 'group.update', { id: group.id, name: group.name }, { before, after: named() })
      return { body: groupOut(group) }
    }, true],
    ['DELETE /groups/{id}', 'users.manage', ({ params, actor }) => { const group = find(groups, params.id, 'group'); drop(groups, group); for (const binding of bindings.filter((candidate) => candidate.group === group.id)) drop(bindings, binding); told(actor, 'group.delete', { id: group.id, name: group.name }, { before: { name: group.name } }); return gone }, true],

    ['GET /roles', 'users.read', () => ({ body: { roles: roles.map(roleOut), permissions: Object.entries(PERMISSIONS).map(([name, meaning]) => ({ name, meaning })) } })],
    ['POST /roles', 'roles.manage', ({ body, actor }) => { const role = { name: body.name, description: body.description ?? '', permissions: body.permissions, is_built_in: false }; roles.push(role); told(actor, 'role.create', { id: role.name, name: role.name }, { after: { description: role.description, permissions: role.permissions } }); return { status: 201, body: roleOut(role) } }, true],
    ['PATCH /roles/{name}', 'roles.manage', ({ params, body, actor }) => { const role = state.roleNamed(params.name); const before = { description: role.description, permissions: role.permissions }; Object.assign(role, body); told(actor, 'role.update', { id: role.name, name: role.name }, { severity: 'critical', before, after: { description: role.description, permissions: role.permissions } }); return { body: roleOut(role) } }, true],
    ['DELETE /roles/{name}', 'roles.manage', ({ params }) => { drop(roles, state.roleNamed(params.name)); return gone }, true],
    ['GET /bindings', 'users.read', () => list('bindings', bindings.map(bindingOut))],
    ['POST /bindings', 'roles.manage', ({ body, actor }) => ({ status: 201, body: bind(body, actor) }), true],
    ['DELETE /bindings/{id}', 'roles.manage', ({ params, actor }) => {
      const binding = find(bindings, params.id, 'binding')
      if (binding.role === 'administrator' && bindings.filter((candidate) => candidate.role === 'administrator').length === 1) throw new Refusal(409, 'last_administrator', 'The account keeps at least one administrator. Give the role to somebody else first.')
      told(actor, 'role-binding.delete', { id: binding.id, name: bindingOut(binding).name }, { request: binding.user ? { userId: binding.user } : { groupId: binding.group }, before: { role: binding.role } })
      drop(bindings, binding)
      return gone
    }, true],
    ['GET /access-review', 'users.read', ({ search }) => {
      const reviewed = users.map((user) => ({ id: user.id, name: user.name, display_name: user.display_name, has_mfa: user.totp !== null, is_enabled: user.disabled_at === null, last_read_at: user.last_read_at, last_signed_in_at: user.last_signed_in_at, permissions: state.permissionsOf(user), roles: state.held(user).map(state.heldRole) }))
      if (search.get('format') === 'csv') return { text: `name,role\n${reviewed.flatMap((user) => user.roles.map((role) => `${user.name},${role.role}`)).join('\n')}\n` }
      return { body: { account: 'default', at: new Date().toISOString(), users: reviewed, keys: [...keys, ...tokens].filter((key) => key.revoked_at === null) } }
    }],
    ['GET /sessions', 'sessions.manage', ({ actor }) => list('sessions', sessions.map((session) => state.summary(session, actor.session)))],
    ['DELETE /sessions/{id}', 'sessions.manage', ({ params, actor }) => { const session = find(sessions, params.id, 'session'); drop(sessions, session); told(actor, 'session.delete', { id: session.id, name: state.userOf(session.user)?.name }); return gone }],

    ['GET /keys', 'keys.read', () => list('keys', keys)],
    ['POST /keys', 'keys.manage', ({ body, actor }) => {
      if (keys.filter((key) => key.kind === body.kind && key.revoked_at === null).length >= settings.keys_max) throw new Refusal(409, 'limit_reached', `${settings.keys_max} ${body.kind} keys work already, as many as the account allows.`)
      const { item, answer } = newKey(body, PREFIX[body.kind], { created_by: actor.user.name })
      keys.unshift(item)
      told(actor, `${body.kind}-key.create`, { id: item.id, name: item.name }, { severity: 'critical', after: { name: item.name, scope: item.scope, expires: item.expires_at ?? 'never' } })
      return answer
    }, true],
    ['PATCH /keys/{id}', 'keys.manage', keyRoutes.update, true], ['POST /keys/{id}/rotate', 'keys.manage', keyRoutes.rotate, true], ['DELETE /keys/{id}', 'keys.manage', keyRoutes.revoke],
    ['GET /settings', 'settings.read', () => ({ body: settings })],
    ['PATCH /settings', 'settings.manage', ({ body, actor }) => { const before = { ...settings }; Object.assign(settings, body); told(actor, 'account.update', { id: 'default', name: 'default' }, { before, after: { ...settings } }); return { body: settings } }, true],
    ['GET /accounts', 'me', () => list('accounts', accounts)],
    ['POST /accounts', 'me', ({ body, actor }) => { if (accounts.some((account) => account.name === body.name)) throw new Refusal(409, 'name_taken', `There is an account ${body.name} already.`); const account = { name: body.name, title: body.title ?? body.name, storage: body.storage ?? null, created_at: new Date().toISOString() }; accounts.push(account); told(actor, 'account.create', { id: body.name, name: body.name }, { after: account }); return { status: 201, body: account } }, true],
    ...more,
  ].map(([route, need, run, isFresh = false]) => {
    const [method, path] = route.split(' ')
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    return { method, pattern: new RegExp(`^/api/v1${path.replace(/\{\w+\}/g, '([^/]+)')}$`), names, need, run, isFresh }
  })

  /** Refuses whoever has something to do first. */
  function complete(user) {
    if (needsOf(user).some((need) => need !== 'set_password')) throw new Refusal(403, 'sign_in_incomplete', 'Something must be done first; `/api/v1/me` names it.')
  }
  /** The answer of one of these routes; undefined when none is meant. */
  return { answer, complete }
  function answer({ method, path, search, body, actor }) {
    for (const route of table) {
      const match = route.method === method && route.pattern.exec(path)
      if (!match) continue
      if (route.need !== '' && !actor.user) throw new Refusal(401, 'missing_credential', 'Sign in.')
      const needs = [route.need].flat()
      if (route.need !== '' && route.need !== 'me' && !state.permissionsOf(actor.user).some((permission) => needs.includes(permission))) throw new Refusal(403, 'forbidden', `\`${needs.join('` or `')}\` is not granted to you.`)
      if (route.need !== '' && !ALWAYS.has(`${route.method} ${path}`)) complete(actor.user)
      if (route.isFresh && switches.stale) throw new Refusal(403, 'stale_session', 'The last full sign-in is older than ten minutes.')
      const params = Object.fromEntries(route.names.map((name, at) => [name, decodeURIComponent(match[at + 1])]))
      return route.run({ params, search, body, actor })
    }
    return undefined
  }
}
