/** The shapes pages work with, named after the contract's words and taken from it. */
import type { Logs } from '../query/logs'
import type { components, paths } from './schema'

type Answer<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { 'application/json': infer T } } } } } ? T : never
type Schemas = components['schemas']

export type EventPage = Answer<'/api/v1/events'>
export type AuditEvent = EventPage['events'][number]
export type EventDetail = Answer<'/api/v1/events/{id}'>
export type Around = Answer<'/api/v1/events/{id}/around'>
export type Histogram = Answer<'/api/v1/events/histogram'>
export type Facet = Answer<'/api/v1/events/top'>
export type FieldInfo = Answer<'/api/v1/events/fields'>['fields'][number]
export type RejectPage = Answer<'/api/v1/rejects'>
export type Related = EventDetail['related'][number]
export type Reject = RejectPage['rejects'][number]
export type ExportFormat = NonNullable<NonNullable<paths['/api/v1/export']['get']['parameters']['query']>['format']>
export type Status = Answer<'/api/v1/status'>

export type Me = Schemas['Me']
export type Membership = Schemas['Membership']
export type Need = Schemas['Need']
export type SignedIn = Schemas['SignedIn']
export type Challenge = Schemas['Challenge']
export type SignInMethods = Schemas['SignInMethods']
export type LinkInfo = Schemas['LinkInfo']
export type TotpSetUp = Schemas['TotpSetUp']
export type SessionSummary = Schemas['SessionSummary']
export type NotMeDone = Schemas['NotMeDone']

export type Key = Schemas['KeySummary']
export type KeyKind = Schemas['KeyKind']
export type KeyScope = Schemas['KeyScope']
export type KeyCreated = Schemas['KeyCreated']
export type KeyCreate = Schemas['KeyCreate']
export type KeyUpdate = Schemas['KeyUpdate']
export type TokenCreate = Schemas['TokenCreate']

export type UserEntry = Schemas['UserEntry']
export type UserUpdate = Schemas['UserUpdate']
export type HeldRole = Schemas['HeldRole']
export type RoleToGive = Schemas['RoleToGive']
export type Invitation = Schemas['Invitation']
export type InvitationCreate = Schemas['InvitationCreate']
export type InvitationCreated = Schemas['InvitationCreated']
export type Group = Schemas['Group']
export type GroupUpdate = Schemas['GroupUpdate']
export type Role = Schemas['Role']
export type RoleList = Schemas['RoleList']
export type PermissionInfo = Schemas['PermissionInfo']
export type Binding = Schemas['Binding']
export type BindingCreate = Schemas['BindingCreate']
export type LinkCreated = Schemas['LinkCreated']
export type AccessReview = Schemas['AccessReview']
export type Settings = Schemas['Settings']
export type SettingsUpdate = Schemas['SettingsUpdate']
export type Account = Schemas['Account']
export type AccountCreate = Schemas['AccountCreate']

/** `searchable` says nothing here: all of them are. */
export type Day = Omit<Schemas['Day'], 'searchable'>
export type Retention = Schemas['Retention']
export type RetentionUpdate = Schemas['RetentionUpdate']
export type DownloadSession = Schemas['DownloadSession']
export type DownloadCreate = Partial<Schemas['DownloadCreate']>
export type Erased = Schemas['Erased']

export type Level = Schemas['Level']
export type RuleSummary = Schemas['RuleSummary']
export type RuleProblem = Schemas['RuleProblem']
export type DetectionStatus = Schemas['DetectionStatus']
export type RuleList = Schemas['RuleList']
export type RuleDetail = Schemas['RuleDetail']
export type RuleUpdate = Schemas['RuleUpdate']
export type FiringPolicy = Schemas['FiringPolicy']
export type RuleCheck = Schemas['RuleCheck']
export type RuleTestOutcome = Schemas['RuleTestOutcome']
export type RuleMatch = Schemas['RuleMatch']
export type PackageSummary = Schemas['PackageSummary']
export type PackageVariable = Schemas['PackageVariable']
export type PackageCheck = Schemas['PackageCheck']
export type PackageFileChange = Schemas['PackageFileChange']
export type PackageInstalled = Schemas['PackageInstalled']
/** Fields, with Sigma's modifiers, and the values of each. */
export type EventConditions = Record<string, (string | number | boolean | null)[]>
/** The contract knows of `events` only that it is an object. */
export type RuleException = Omit<Schemas['RuleException'], 'events'> & { events: EventConditions }
export type Backtest = Schemas['Backtest']
export type BacktestDay = Schemas['BacktestDay']
export type BacktestSample = Schemas['BacktestSample']
export type BacktestRequest = Omit<Schemas['BacktestRequest'], 'exception'> & { exception?: EventConditions }
export type RuleTuning = Schemas['RuleTuning']
export type RuleExceptionCreate = Omit<Schemas['RuleExceptionCreate'], 'events'> & { events: EventConditions }
export type PackageUpdate = Omit<Schemas['PackageUpdate'], 'variables'> & { variables?: Record<string, string[]> }

export type AlertStatus = Schemas['AlertStatus']
export type Alert = Schemas['Alert']
export type AlertCounts = Schemas['AlertCounts']
export type AlertPage = Schemas['AlertPage']
export type AlertDetail = Schemas['AlertDetail']
export type AlertEntry = Schemas['AlertEntry']
export type AlertAct = Schemas['AlertAct']
export type GroupPair = Schemas['GroupPair']
export type Silence = Schemas['Silence']
export type SilenceCreate = Schemas['SilenceCreate']
export type Receiver = Schemas['Receiver']
export type Channel = Schemas['Channel']
export type ChannelWrite = Schemas['ChannelWrite']
export type ChannelList = Schemas['ChannelList']
export type ChannelSource = Schemas['ChannelSource']
export type Delivery = Schemas['Delivery']
export type DeliveryList = Schemas['DeliveryList']
export type NoticeKey = Schemas['NoticeKey']
export type SearchAlert = Schemas['SearchAlert']
export type SearchAlertWrite = Schemas['SearchAlertWrite']
export type ToldChannel = Schemas['ToldChannel']
export type Trigger = Schemas['Trigger']
export type TriggerInterval = Schemas['TriggerInterval']
export type Blackout = Schemas['Blackout']
/** Channels with when each is told; the Activity page has presets of its own. */
export type TellingPreset = Schemas['Preset']
export type TellingPresetWrite = Schemas['PresetWrite']

export type InsightType = Schemas['InsightType']
export type InsightState = Schemas['InsightState']
export type InsightVerdict = Schemas['InsightVerdict']
export type InsightSensitivity = Schemas['InsightSensitivity']
export type InsightSettings = Schemas['InsightSettings']
export type Insight = Schemas['Insight']
export type InsightCounts = Schemas['InsightCounts']
export type InsightPage = Omit<Schemas['InsightPage'], 'insights'> & { insights: Insight[] }
export type InsightSeries = Schemas['InsightSeriesShown']
export type InsightStatus = Schemas['InsightStatusShown']
export type InsightFeedback = Schemas['InsightFeedback']
export type InsightPattern = Schemas['InsightPattern']
export type ExpectedCreate = Schemas['ExpectedCreate']
export type ExpectedInsight = Schemas['ExpectedInsight']
export type ExpectedPreview = Schemas['ExpectedPreview']

export type CardList = Schemas['CardList']
export type CardSection = Schemas['CardSection']
export type ShownCard = Schemas['ShownCard']
export type ShownElement = Schemas['ShownElement']
export type ShownValue = Schemas['ShownValue']
export type FindingDays = Schemas['FindingDays']
export type RuleDays = Schemas['RuleDays']

/** What limits a search: its text and its time range, as the URL has them. */
export interface Filter {
  q?: string | undefined
  from?: string | undefined
  to?: string | undefined
  /** Where it looks; `activity` when not given. */
  stream?: string | undefined
  /** Only events of the account itself, or only those of its spaces. */
  logs?: Logs | undefined
}
