// The mock's routes about rules, packages and exceptions, and what the rules find: findings, which alerts are made of.
import { createHash } from 'node:crypto'
import { Refusal } from './identity.mjs'
import { parseTime } from './query.mjs'
import { LAID, OWN, PACKAGES } from './rule-texts.mjs'
import { makeRun, membersTest, readRules, spanMs } from './sigma.mjs'
import { readDocuments } from './yaml.mjs'

const DAY_MS = 864e5
const SELF = 'whodid-self'
const MANIFEST = 'package.yaml'
const LEVEL_SEVERITY = { critical: 'critical', high: 'critical', medium: 'warning', low: 'normal', informational: 'normal' }
const READS = ['space-events.read', 'account-events.read']

/** `state`: as `makeIdentity` makes it. `all`: every event there is. `seen`: those that a person may see. */
export function makeRuling(state, all, seen) {
  const packages = PACKAGES.map((one) => ({ ...one, variables: one.variables.map((variable) => ({ ...variable })) }))
  const laid = [...LAID]
  const own = new Map()
  const tuning = new Map()
  const exceptions = []
  const findings = []
  let revision = 1
  let run
  let looked = 0
  const told = (actor, action, target, more) => state.tell({ action, by: actor.user, session: actor.session?.id, address: actor.address, agent: actor.agent, target, severity: 'warning', ...more })
  const wrong = (detail, status = 400, code = 'bad_json') => { throw new Refusal(status, code, detail) }
  const textOf = (rule) => rule.text

  const ruleFiles = (of) => Object.entries(of.files).filter(([file]) => file !== MANIFEST)
  const rulesOf = (of) => ruleFiles(of).flatMap(([file, text]) => readRules(text).documents.map((rule) => ({ ...rule, package: of.id, text, file: `${of.id}/${file}` })))
  /** Every rule with where it stands. */
  function catalog() {
    const ofPackages = packages.flatMap(rulesOf)
    const ofOwn = [...own].flatMap(([id, { text }]) => readRules(text, ofPackages.map((rule) => rule.id)).documents.map((rule) => ({ ...rule, package: null, own: id, text, file: `own/${id}` })))
    return [...ofPackages, ...ofOwn]
  }
  const isFilter = (rule) => rule.kind === 'filter'
  function isOn(rule, rules = catalog()) {
    const of = packages.find((one) => one.id === rule.package)
    if (of && !of.is_enabled) return false
    const switched = tuning.get(rule.id)?.is_enabled
    return switched ?? (of !== undefined || (isFilter(rule) && rules.some((other) => other.own === rule.own && !isFilter(other) && isOn(other, rules))))
  }
  const isCalled = (rule, name) => [rule.id, rule.title, rule.value.name].includes(name)
  const reaches = (filter, rule) => (filter.package === null ? rule.package !== SELF : rule.package === filter.package) && (filter.value.filter.rules === 'any' || [filter.value.filter.rules].flat().some((name) => isCalled(rule, name)))
  const heldExceptions = () => exceptions.filter((exception) => !isEnded(exception)).map((exception) => ({ ...exception, test: membersTest(exception.events) }))
  const isEnded = (exception) => exception.expires_at !== null && Date.parse(exception.expires_at) <= Date.now()
  /** What is compiled of rules: those that run, what narrows them, what is left out. */
  function compiled(rules, on, { more = [], tuned = {} } = {}) {
    const filters = rules.filter((rule) => isFilter(rule) && on(rule))
    const held = [...heldExceptions(), ...more]
    const running = rules.filter((rule) => !isFilter(rule))
    const counted = running.filter(on).flatMap((rule) => rule.refers)
    return makeRun(running.filter((rule) => on(rule) || counted.some((name) => isCalled(rule, name))), {
      tuning: { ...Object.fromEntries([...tuning].map(([id, of]) => [id, { threshold: of.threshold, policy: of.policy }])), ...tuned },
      filtersOf: (rule) => filters.filter((filter) => reaches(filter, rule)),
      exceptionsOf: (rule) => held.filter((exception) => exception.rules.length === 0 || exception.rules.includes(rule.id)),
      isReported: (rule) => on(rule) && !counted.some((name) => isCalled(rule, name)),
    })
  }
  /** After a change the rules begin anew, with what comes from now on. */
  function changed() {
    advance()
    revision += 1
    const rules = catalog()
    run = compiled(rules, (rule) => isOn(rule, rules))
  }

  /** Looks at every event that came since, in the order in which it came. */
  function advance() {
    if (!run) { const rules = catalog(); run = compiled(rules, (rule) => isOn(rule, rules)) }
    if (all().length === 0) return []
    const waiting = all().filter((event) => event.record.offset >= looked).sort((a, b) => a.record.offset - b.record.offset)
    for (const event of waiting) for (const hit of run(event)) if (hit.isFinding) findings.push(findingOf(hit))
    looked = Math.max(looked, ...waiting.map((event) => event.record.offset + 1))
    return findings
  }
  function findingOf({ rule, event, evidence, key, group, silencedBy, why }) {
    const offset = findings.length
    const level = tuning.get(rule.id)?.level ?? rule.level
    const sentence = `${rule.title}: ${event.record.summary}${why ? ` (${why})` : ''}`
    const at = event.eventTime
    const body = {
      typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event', id: createHash('sha256').update(`${rule.id} ${key} ${at}`).digest('hex').slice(0, 32), eventType: 'control', eventTime: at, action: 'whodid.finding.create', outcome: 'success', severity: LEVEL_SEVERITY[level], message: sentence,
      initiator: event.initiator, target: { id: rule.id, name: rule.title, typeURI: 'whodid/rule' }, observer: { id: 'whodid', name: 'whodid', typeURI: 'service/security' },
      requestData: { findingType: rule.id, provider: rule.package ?? 'whodid', ruleId: rule.id, ruleTitle: rule.title, ruleVersion: createHash('sha256').update(textOf(rule)).digest('hex'), level, key, group: Object.fromEntries(group.map((pair) => [pair.key, pair.value])), evidence: evidence.slice(-20), evidenceTotal: evidence.length, ...(silencedBy === undefined ? {} : { silencedBy }), ...(why ? { why } : {}) },
    }
    return {
      ...body, cadf: { action: 'create' }, reason: {}, raw: JSON.stringify(body),
      record: { id: `findings:${offset}`, offset, recorded_at: new Date(Date.parse(at) + 1200).toISOString(), account: 'default', space: null, region: null, stream: 'findings', source: 'cadf', access: 'write', result: 'success', service: 'whodid', app: null, time_source: 'stated', summary: sentence },
    }
  }

  const kindOfReach = (rule) => {
    const rules = rule.value.filter.rules === 'any' ? 'every rule' : [rule.value.filter.rules].flat().join(', ')
    if (rule.package !== null) return `Narrows ${rules} of the package ${rule.package}.`
    return rule.value.filter.rules === 'any' ? `Narrows ${rules} of the account but those of ${SELF}.` : `Narrows ${rules}.`
  }
  function summary(rule, rules) {
    const of = tuning.get(rule.id) ?? {}
    const counted = rules.filter((other) => isOn(other, rules)).flatMap((other) => other.refers)
    return {
      id: rule.id, title: rule.title, description: isFilter(rule) ? `${kindOfReach(rule)} ${rule.description}`.trim() : rule.description, kind: rule.kind, level: of.level ?? rule.level, package: rule.package, author: packages.find((one) => one.id === rule.package)?.author ?? '', license: null,
      tags: rule.value.tags ?? [], finding_type: rule.value.whodid?.finding_type ?? null, is_enabled: isOn(rule, rules), is_reported: isOn(rule, rules) && !isFilter(rule) && !counted.some((name) => isCalled(rule, name)),
      is_tuned: of.level !== undefined || of.threshold !== undefined || of.policy !== undefined, tests: rule.tests.length,
    }
  }
  const policyOf = (rule) => ({ dedup_key: [], dedup_window: '60m', threshold: 1, threshold_window: '60m', ...rule.policy })
  function detail(rule, rules = catalog()) {
    const of = tuning.get(rule.id) ?? {}
    return {
      rule: summary(rule, rules), text: textOf(rule), references: rule.value.references ?? [], false_positives: rule.value.falsepositives ?? [], next_steps: rule.value.whodid?.next_steps ?? [], version: createHash('sha256').update(textOf(rule)).digest('hex'), text_hash: createHash('sha256').update(textOf(rule)).digest('hex'), without_audit: false,
      revision: rule.own === undefined ? null : own.get(rule.own).revision, tuning: { level: of.level ?? null, threshold: of.threshold ?? null, policy: of.policy ?? null }, stated: { level: rule.level, threshold: rule.count?.than ?? null, policy: policyOf(rule) },
    }
  }
  const find = (id, rules = catalog()) => rules.find((rule) => rule.id === id) ?? wrong('there is no such rule in this account', 404, 'not_found')
  /** What is wrong with the rules that run. */
  function problems(rules) {
    const on = rules.filter((rule) => isOn(rule, rules))
    return on.filter((filter) => isFilter(filter) && !on.some((rule) => !isFilter(rule) && reaches(filter, rule))).map((filter) => ({ file: filter.file, document: filter.number, line: filter.line, rule: filter.id, gravity: 'warning', code: 'unused_filter', message: 'the filter meets none of the rules' }))
  }

  const eventOf = (value, at) => {
    const body = typeof value === 'string' ? wrong('the mock reads events as JSON only') : value
    return { eventTime: new Date().toISOString(), ...body, raw: JSON.stringify(body), record: { id: `tried:${at}`, offset: at, result: body.outcome, summary: `${body.initiator?.name ?? 'somebody'} did ${body.action}` } }
  }
  /** What comes of the tests that stand beside rules. */
  function outcomes(documents) {
    return documents.flatMap((rule) => (rule.test || rule.count ? rule.tests : []).map((test) => {
      const given = (test.events ?? [test.event]).flatMap((one) => {
        const wrapped = one?.event && (one.repeat || one.after) ? one : { event: one }
        return Array.from({ length: wrapped.repeat ?? 1 }, (_, at) => ({ ...wrapped.event, eventTime: new Date(Date.parse(wrapped.event.eventTime ?? '2026-03-02T10:00:00Z') + (spanMs(wrapped.after ?? '0s') ?? 0) + at * (spanMs(wrapped.every ?? '0s') ?? 0)).toISOString() }))
      })
      const step = compiled(documents.map((one) => ({ package: null, ...one })), () => true)
      const hits = given.map(eventOf).flatMap(step).concat([])
      // A rule that another counts reports nothing, and matches all the same.
      const matches = rule.test && !isFilter(rule) ? given.map(eventOf).filter(rule.test).length : hits.filter((hit) => hit.rule.id === rule.id).length
      const expects = typeof test.expect === 'object' ? test.expect.count : test.expect
      const passed = expects === 'match' ? matches > 0 : expects === 'no_match' ? matches === 0 : matches === expects
      return { rule_id: rule.id, name: test.name ?? '', matches, passed, detail: passed ? null : `expected ${typeof expects === 'number' ? `${expects} matches` : expects.replace('_', ' ')}, and there ${matches === 1 ? 'was one match' : `were ${matches}`}` }
    }))
  }
  function usable(text, besides) {
    const { documents, problems: found } = readRules(text, catalog().map((rule) => rule.id))
    const grave = found.find((problem) => problem.gravity === 'error' && problem.code !== 'unknown_rule')
    if (grave) wrong(`\`text\`: ${grave.message}`)
    if (documents.length === 0) wrong('`text` holds no rule')
    const taken = documents.find((document) => catalog().some((rule) => rule.id === document.id && (besides === undefined || rule.own !== besides)))
    if (taken) wrong(`a rule with the id \`${taken.id}\` is there already; give this one another \`id\``, 409, 'name_taken')
    return documents
  }
  function refuseFailing(documents) {
    const failed = outcomes(documents).find((test) => !test.passed)
    if (failed) wrong(`the rule is not switched on, because its test "${failed.name}" fails: ${failed.detail}`, 409, 'conflict')
  }
  function keep(text, isEnabled) {
    const documents = usable(text)
    if (isEnabled) refuseFailing(documents)
    const first = documents.find((document) => !isFilter(document)) ?? documents[0]
    own.set(first.id, { text, revision })
    for (const document of documents) if (!isFilter(document) || documents.every(isFilter)) tuning.set(document.id, { is_enabled: isEnabled })
    return first
  }
  for (const { text, is_enabled } of OWN) keep(text, is_enabled)

  function backtest(body, user) {
    const now = Date.now()
    const [from, to] = [parseTime(body.from, now) ?? now - 30 * DAY_MS, parseTime(body.to, now) ?? now]
    const stored = catalog()
    const read = body.text === undefined ? undefined : readRules(body.text, stored.map((rule) => rule.id))
    const grave = read?.problems.find((problem) => problem.gravity === 'error')
    if (grave) wrong(`\`text\`: ${grave.message}`)
    const documents = read?.documents.map((rule) => ({ ...rule, package: null })) ?? []
    const among = read ? documents : stored
    const tested = body.id === undefined ? (among.find((rule) => rule.refers.length > 0) ?? among.find((rule) => !isFilter(rule))) : among.find((rule) => rule.id === body.id && !isFilter(rule))
    if (!tested) wrong(read ? '`text` holds no rule of that id' : 'there is no such rule in this account', read ? 400 : 404, read ? 'bad_json' : 'not_found')
    const tuned = { ...tuning.get(tested.id), ...(body.threshold === undefined ? {} : { threshold: body.threshold }), policy: { ...tuning.get(tested.id)?.policy, ...body.policy } }
    const tried = body.exception === undefined ? [] : [{ id: 'tried', rules: [tested.id], events: body.exception, test: membersTest(body.exception) }]
    const rows = seen(user).filter((event) => { const time = Date.parse(event.eventTime); return time >= from && time < to })
    const started = performance.now()
    /** Every hit of one rule over these events. */
    const hitsOf = (rule, rules, options) => { const step = compiled(rules, (one) => one.id === rule.id || (isFilter(one) && (one.own === undefined && one.package === null ? true : isOn(one, stored))), options); return rows.flatMap(step) }
    const rest = stored.filter((rule) => !documents.some((one) => one.id === rule.id))
    const hits = hitsOf(tested, [...documents, ...rest], { more: tried, tuned: { [tested.id]: tuned } })
    const known = stored.find((rule) => rule.id === tested.id)
    const before = known && (read || body.threshold !== undefined || body.policy !== undefined) ? hitsOf(known, stored) : undefined
    const sample = ({ event, evidence, silencedBy }) => ({ time: event.eventTime, sentence: event.record.summary, actor: event.initiator?.name ?? null, evidence: evidence.slice(-5), is_silenced: silencedBy !== undefined })
    const days = new Map()
    const actors = new Map()
    for (const hit of hits) {
      const day = hit.event.eventTime.slice(0, 10)
      const sums = days.get(day) ?? { day, matches: 0, findings: 0 }
      days.set(day, { day, matches: sums.matches + 1, findings: sums.findings + (hit.isFinding && hit.silencedBy === undefined ? 1 : 0) })
      const [who] = hit.group
      if (who) actors.set(who.value, (actors.get(who.value) ?? 0) + 1)
    }
    const places = (list) => new Set(list.map((hit) => hit.evidence.at(-1)))
    const differs = before && (() => {
      const [now, then] = [places(hits), places(before)]
      const added = hits.filter((hit) => !then.has(hit.evidence.at(-1)))
      const removed = before.filter((hit) => !now.has(hit.evidence.at(-1)))
      return { both: hits.length - added.length, added: added.length, removed: removed.length, added_samples: added.slice(0, 20).map(sample), removed_samples: removed.slice(0, 20).map(sample) }
    })()
    const found = hits.filter((hit) => hit.isFinding && hit.silencedBy === undefined).length
    return {
      rule_id: tested.id, title: tested.title, events_read: rows.length, matches: hits.length, findings: found, silenced: hits.filter((hit) => hit.silencedBy !== undefined).length, findings_per_day: found / Math.max(1, (to - from) / DAY_MS),
      days: [...days.values()].sort((a, b) => a.day.localeCompare(b.day)), actors: [...actors].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count).slice(0, 10), samples: hits.slice(0, 50).map(sample),
      difference: differs ?? null, stopped_at: null, dropped: 0, took_ms: Math.ceil(performance.now() - started), problems: read?.problems ?? [],
    }
  }

  const packageOut = ({ files, id, title, description, version, author, licence, sources, is_builtin, is_enabled, needs_configuration, variables, file, problem }) => ({ id, title, description, version, author, licence, sources, is_builtin, is_enabled, needs_configuration, variables, file, problem, digest: `sha256:${createHash('sha256').update(JSON.stringify(files)).digest('hex')}`, rules: catalog().filter((rule) => rule.package === id && !isFilter(rule)).length })
  const packageList = () => ({ packages: packages.map(packageOut), problems: laid.map(({ package: of, message }) => ({ file: of.file, message })) })
  const packageNamed = (id) => packages.find((one) => one.id === id) ?? wrong('there is no such package in this account', 404, 'not_found')
  /** With the manifest, which those of the mock have not as a text. */
  const filesOf = (of) => ({
    [MANIFEST]: ['id', 'version', 'title', 'description', 'author', 'licence', 'sources'].map((name) => `${name}: ${JSON.stringify(of[name])}\n`).join('') + (of.variables.length === 0 ? 'variables: {}\n' : `variables:\n${of.variables.map((one) => `  ${one.name}: {type: ${one.type}, description: ${JSON.stringify(one.description)}}\n`).join('')}`),
    ...of.files,
  })
  /** A package of files as it would be, what is wrong with it, and what differs from the installed one. */
  function candidate(files) {
    const read = readDocuments(files[MANIFEST] ?? '')[0] ?? wrong(`the package has no ${MANIFEST}`)
    if (read.problem) wrong(`${MANIFEST}: ${read.problem.message}`)
    const manifest = read.value
    for (const name of ['id', 'version', 'title', 'author', 'licence']) if (typeof manifest[name] !== 'string' || manifest[name] === '') wrong(`${MANIFEST}: missing field \`${name}\``)
    const old = packages.find((one) => one.id === manifest.id)
    const variables = Object.entries(manifest.variables ?? {}).map(([name, of]) => old?.variables.find((one) => one.name === name) ?? { name, type: of.type ?? 'text', description: of.description ?? '', values: of.default ?? [], is_default: true })
    const of = { description: '', sources: [], area: null, is_enabled: true, needs_configuration: false, ...manifest, ...(old && { is_enabled: old.is_enabled }), is_builtin: false, file: null, problem: null, variables, files }
    const found = ruleFiles(of).flatMap(([file, text]) => readRules(text).problems.map((problem) => ({ ...problem, file: `${of.id}/${file}` })))
    const documents = rulesOf(of)
    const tests = outcomes(documents)
    const grave = found.find((problem) => problem.gravity === 'error')
    const failed = tests.find((test) => !test.passed)
    const taken = documents.find((rule) => catalog().some((other) => other.id === rule.id && other.package !== of.id))
    const refusal = old?.is_builtin ? `the package \`${of.id}\` came with whodid; give yours another id`
      : old && old.version > of.version ? `version ${old.version} is installed, and ${of.version} is older; remove it first to go back`
      : grave ? `nothing was installed. ${grave.message}`
      : failed ? `nothing was installed. ${failed.rule_id}: the test "${failed.name}" fails: ${failed.detail ?? ''}`
      : taken ? `a rule with the id \`${taken.id}\` is there already` : undefined
    const before = old ? filesOf(old) : {}
    const had = old ? rulesOf(old) : []
    const differing = old ? [...new Set([...Object.keys(before), ...Object.keys(files)])].sort().filter((path) => before[path] !== files[path]) : []
    return {
      of, refusal,
      out: {
        package: { ...packageOut(of), rules: documents.filter((rule) => !isFilter(rule)).length }, ...(old && { previous_version: old.version }), problems: found,
        added: documents.filter((rule) => !had.some((other) => other.id === rule.id)).map((rule) => rule.id), removed: had.filter((rule) => !documents.some((other) => other.id === rule.id)).map((rule) => rule.id),
        changed: documents.filter((rule) => had.some((other) => other.id === rule.id && other.text !== rule.text)).map((rule) => rule.id), files: differing.map((path) => ({ path, before: before[path], after: files[path] })), files_left_off: 0,
      },
      tests,
    }
  }
  const shownException = (exception) => ({ ...exception, owner_is_member: state.users.some((user) => user.name === exception.owner), is_ended: isEnded(exception) })

  const routes = [
    ['GET /rules', 'rules.read', () => {
      advance()
      const rules = catalog()
      const on = rules.filter((rule) => isOn(rule, rules) && !isFilter(rule))
      return { body: { rules: rules.map((rule) => summary(rule, rules)), problems: problems(rules), detection: on.length === 0 ? null : { rules: on.length, behind: 0, dropped_groups: 0, dropped_matches: 0, without_group: 0, dropped_windows: 0, forgotten_values: 0, state_bytes: 4096 } } }
    }],
    ['POST /rules', 'rules.manage', ({ body, actor }) => {
      const rule = keep(body.text, body.is_enabled ?? false)
      changed()
      told(actor, 'rule.create', { id: rule.id, name: rule.title }, { after: { isEnabled: body.is_enabled ?? false } })
      return { status: 201, body: detail(find(rule.id)) }
    }, true],
    ['POST /rules/check', 'rules.read', ({ body }) => {
      const { documents, problems: found } = readRules(body.text, catalog().map((rule) => rule.id))
      const events = (body.events ?? []).map(eventOf)
      const meant = documents.filter((rule) => !isFilter(rule))
      const step = compiled(documents.map((rule) => ({ ...rule, package: null })), () => true)
      const matches = events.flatMap((event, at) => [
        ...meant.filter((rule) => rule.test?.(event)).map((rule) => ({ rule_id: rule.id, event_index: at, time: event.eventTime, why: null })),
        ...step(event).filter((hit) => hit.rule.count).map((hit) => ({ rule_id: hit.rule.id, event_index: at, time: event.eventTime, why: hit.why ?? null })),
      ])
      return { body: { rules: meant.map((rule) => rule.id), problems: found, tests: outcomes(documents), matches } }
    }],
    ['POST /rules/backtest', 'rules.read', ({ body, actor }) => {
      if (!state.permissionsOf(actor.user).some((permission) => READS.includes(permission))) wrong('`space-events.read` or `account-events.read` is not granted to you.', 403, 'forbidden')
      return { body: backtest(body, actor.user) }
    }],
    ['GET /rules/{id}', 'rules.read', ({ params }) => ({ body: detail(find(params.id)) })],
    ['PATCH /rules/{id}', 'rules.manage', ({ params, body, actor }) => {
      const rule = find(params.id)
      const of = { ...tuning.get(rule.id) }
      if (isFilter(rule) && [body.level, body.threshold, body.policy].some((value) => value !== undefined)) wrong('a filter finds nothing itself, so it has no `level`, `threshold` or `policy`')
      if (body.text !== undefined) {
        const kept = own.get(rule.own) ?? wrong('a rule of a package is not changed; tune it, or copy its text into a rule of your own')
        if (body.revision !== undefined && body.revision !== kept.revision) wrong('the rule has changed since it was looked at; load it again', 409, 'conflict')
        const documents = usable(body.text, rule.own)
        if (!documents.some((document) => document.id === rule.id)) wrong(`the new text has no rule with the id \`${rule.id}\`; ids stay`)
        if (isOn(rule)) refuseFailing(documents)
        own.set(rule.own, { text: body.text, revision: revision + 1 })
      }
      if (body.is_enabled === true) refuseFailing(readRules(textOf(find(params.id))).documents)
      if (body.reset) for (const name of ['level', 'threshold', 'policy']) delete of[name]
      if (body.is_enabled !== undefined) of.is_enabled = body.is_enabled
      if (body.level !== undefined) of.level = body.level === 'default' ? undefined : body.level
      if (body.threshold !== undefined) of.threshold = body.threshold
      if (body.policy !== undefined) {
        of.policy = { ...policyOf(rule), ...of.policy, ...body.policy }
        if (of.policy.daily_cap === 0) delete of.policy.daily_cap
      }
      const before = { ...tuning.get(rule.id) }
      tuning.set(rule.id, of)
      changed()
      told(actor, body.is_enabled === undefined || body.is_enabled === before.is_enabled ? 'rule.update' : body.is_enabled ? 'rule.enable' : 'rule.disable', { id: rule.id, name: rule.title }, { before, after: of })
      return { body: detail(find(rule.id)) }
    }, true],
    ['DELETE /rules/{id}', 'rules.manage', ({ params, actor }) => {
      const rule = find(params.id)
      for (const other of catalog().filter((one) => one.own !== undefined && one.own === rule.own)) tuning.delete(other.id)
      if (rule.own === undefined) tuning.delete(rule.id)
      else own.delete(rule.own)
      changed()
      told(actor, 'rule.delete', { id: rule.id, name: rule.title }, { before: { text: textOf(rule) } })
      return { status: 204 }
    }, true],
    ['GET /packages', 'rules.read', () => ({ body: packageList() })],
    ['GET /packages/{id}/files', 'rules.read', ({ params }) => ({ body: { digest: packageOut(packageNamed(params.id)).digest, files: filesOf(packageNamed(params.id)) } })],
    ['POST /packages/check', 'rules.read', ({ body }) => {
      const { out, tests, refusal } = candidate(body.files)
      return { body: { ...out, tests, ...(refusal && { refusal }) } }
    }],
    ['POST /packages', 'rules.manage', ({ body, search, actor }) => {
      const { of, out, refusal } = candidate(body.files)
      if (refusal) wrong(refusal)
      const old = packages.findIndex((one) => one.id === of.id)
      const wanted = search.get('replaces')
      if (wanted === 'none' && old >= 0) wrong(`a package with the id \`${of.id}\` is installed: edit that one, or give yours another id`, 409, 'name_taken')
      if (wanted && wanted !== 'none' && (old < 0 || packageOut(packages[old]).digest !== wanted)) wrong(`the package was changed by somebody else meanwhile: ${old < 0 ? 'none' : packageOut(packages[old]).digest} is installed, and this was written on ${wanted}. Look at what is there now, and change that`, 409, 'conflict')
      packages.splice(old < 0 ? packages.length : old, old < 0 ? 0 : 1, of)
      changed()
      told(actor, old < 0 ? 'package.create' : 'package.update', { id: of.id, name: of.title }, { after: { version: of.version } })
      return { body: { ...out, dry_run: false } }
    }, true],
    ['POST /packages/refresh', 'rules.manage', ({ actor }) => {
      // As if what waits had just been mended in the bucket.
      for (const { package: of } of laid.splice(0)) {
        packages.push({ ...of })
        changed()
        told(actor, 'package.create', { id: of.id, name: of.title }, { after: { version: of.version } })
      }
      return { body: packageList() }
    }, true],
    ['PATCH /packages/{id}', 'rules.manage', ({ params, body, actor }) => {
      const of = packageNamed(params.id)
      const before = { isEnabled: of.is_enabled }
      for (const [name, values] of Object.entries(body.variables ?? {})) Object.assign(of.variables.find((one) => one.name === name) ?? {}, { values, is_default: values.length === 0 })
      if (body.is_enabled && of.needs_configuration && of.variables.some((variable) => variable.values.length === 0)) wrong('a variable of the package has no values yet', 409, 'conflict')
      of.is_enabled = body.is_enabled ?? of.is_enabled
      changed()
      told(actor, 'package.update', { id: of.id, name: of.title }, { before, after: { isEnabled: of.is_enabled } })
      return { body: packageOut(of) }
    }, true],
    ['DELETE /packages/{id}', 'rules.manage', ({ params, actor }) => {
      const of = packageNamed(params.id)
      if (of.is_builtin) wrong('it came with whodid; switch it off instead', 409, 'conflict')
      if (of.file) wrong(`the package is made of the file \`${of.file}\` in the account's storage, which is the truth: change or remove it there. Here it can be switched off, and its rules tuned`, 409, 'conflict')
      packages.splice(packages.indexOf(of), 1)
      changed()
      told(actor, 'package.delete', { id: of.id, name: of.title })
      return { status: 204 }
    }, true],
    ['GET /exceptions', 'rules.read', () => ({ body: { exceptions: exceptions.map(shownException) } })],
    ['POST /exceptions', 'rules.manage', ({ body, actor }) => {
      if ((body.reason ?? '').trim() === '') wrong('`reason` says why the exception is right, in 1 to 1000 characters')
      const exception = { id: state.id('exc'), rules: body.rules ?? [], events: body.events, owner: body.owner ?? actor.user.name, reason: body.reason, expires_at: state.expiry(body.expires), created_at: new Date().toISOString(), created_by: actor.user.name }
      exceptions.push(exception)
      changed()
      told(actor, 'exception.create', { id: exception.id, name: exception.reason }, { after: { reason: exception.reason, rules: exception.rules } })
      return { status: 201, body: shownException(exception) }
    }, true],
    ['DELETE /exceptions/{id}', 'rules.manage', ({ params, actor }) => {
      const exception = exceptions.find((one) => one.id === params.id) ?? wrong('there is no such exception in this account', 404, 'not_found')
      exceptions.splice(exceptions.indexOf(exception), 1)
      changed()
      told(actor, 'exception.delete', { id: exception.id, name: exception.reason })
      return { status: 204 }
    }, true],
  ]
  const areaOf = (provider) => packages.find((one) => one.id === provider)?.area ?? null
  /** Those whose findings are about something; without it all that are about something known. */
  const providersOf = (area) => packages.filter((one) => (area === null ? one.area !== null : one.area === area)).map((one) => one.id)
  return { routes, findings: advance, areaOf, providersOf }
}
