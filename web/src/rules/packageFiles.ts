/** Files of a package while it is written. */
import type { Files } from '../api/rules'

export const MANIFEST = 'package.yaml'

/** What a new package begins with. */
export const BEGIN: Files = {
  [MANIFEST]: `id: acme-payments
version: 0.1.0
title: Acme payments
description: ''
author: Acme security
licence: Apache-2.0
sources: []
variables: {}
`,
  'rules/example.yml': `title: A secret was read
id: acme-payments-example
description: Change this rule, or put others beside it.
level: medium
logsource: {category: activity}
detection:
  secret: {action: kms.secrets.read}
  condition: secret
tests:
  - name: a secret is read
    event: {action: kms.secrets.read, initiator: {name: mara}}
    expect: match
  - name: a list is no secret
    event: {action: kms.secrets.list, initiator: {name: mara}}
    expect: no_match
`,
}

/** Paths in the order in which people look at them: the manifest first. */
export const ordered = (files: Files): string[] => Object.keys(files).sort((a, b) => Number(b === MANIFEST) - Number(a === MANIFEST) || a.localeCompare(b))

/** Why a file cannot have this path; nothing where it can. */
export function pathProblem(path: string, files: Files): string | undefined {
  if (path === '') return 'Give it a name, such as rules/night.yml.'
  if (Object.hasOwn(files, path)) return 'A file of this name is there.'
  if (path.length > 200) return 'The name is longer than 200 letters.'
  if (/[\\:]/.test(path) || path.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'Folders are parted by one /, and no part is empty, . or ...'
  return undefined
}

/** The manifest with its version raised by the last number; as it is where there is no such version. */
export const raised = (manifest: string): string =>
  manifest.replace(/^(version:\s*["']?)((?:\d+\.)*)(\d+)(["']?\s*(?:#.*)?)$/m, (_, before: string, begin: string, last: string, after: string) => (begin === '' ? `${before}${last}.1${after}` : `${before}${begin}${Number(last) + 1}${after}`))

/** The file that a problem of a package is in: problems name it with the package before it. */
export function fileOf(named: string | null | undefined, id: string, files: Files): string {
  if (named == null) return MANIFEST
  const path = named.startsWith(`${id}/`) ? named.slice(id.length + 1) : named
  return Object.hasOwn(files, path) ? path : MANIFEST
}
