/** Which forms of events are understood, and what people call them. Pure. */
import type { paths } from '../api/schema'

/** As the contract knows them. */
export type Source = Exclude<NonNullable<NonNullable<paths['/api/v1/events']['post']['parameters']['query']>['format']>, 'auto'>

/** What comes from whom; a form that the contract adds is missing here until it has a name. */
const NAMES: Record<Exclude<Source, 'json'>, string> = {
  cadf: 'CADF',
  'ibm-at': 'Activity Tracker',
  cloudtrail: 'CloudTrail',
  actiontrail: 'ActionTrail',
  kubernetes: 'Kubernetes',
  okta: 'Okta',
  gcp: 'Google Cloud',
  azure: 'Azure',
  github: 'GitHub',
  'linux-auth': 'Linux authentication logs',
}

/** Their ids, as keys and searches name them. */
export const SOURCES = [...Object.keys(NAMES), 'json'] as Source[]

/** All of them in a sentence's words. */
export function understood(): string {
  return `Understood as they are: ${Object.values(NAMES).join(', ')}. Any other JSON is taken too.`
}
