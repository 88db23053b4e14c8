/** Alerts, silences, and the channels that tell of them. */
import { http, take } from './http'
import type { AlertAct, AlertDetail, AlertPage, Channel, ChannelList, ChannelWrite, Delivery, DeliveryList, Level, NoticeKey, Silence, SilenceCreate } from './shapes'

const of = (id: string) => ({ params: { path: { id } } })
/** The page asks again by itself: that keeps no session alive. */
const background = (isBackground: boolean) => (isBackground ? { headers: { 'x-whodid-background': 'true' } } : {})

export interface AlertFilter {
  /** With commas between; all when not given. */
  status?: string | undefined
  /** This or a graver one. */
  severity?: Level | undefined
  assignee?: string | undefined
  rule?: string | undefined
}

interface Asked extends AlertFilter {
  limit?: number
  cursor?: string | undefined
}

export const alerts = {
  list: (query: Asked, isBackground: boolean, signal: AbortSignal): Promise<AlertPage> => take(http.GET('/api/v1/alerts', { params: { query }, ...background(isBackground), signal })),
  get: (id: string, isBackground: boolean, signal: AbortSignal): Promise<AlertDetail> => take(http.GET('/api/v1/alerts/{id}', { ...of(id), ...background(isBackground), signal })),
  act: (id: string, body: AlertAct): Promise<AlertDetail> => take(http.POST('/api/v1/alerts/{id}/acts', { ...of(id), body })),

  silences: (signal: AbortSignal): Promise<Silence[]> => take(http.GET('/api/v1/silences', { signal })).then((answer) => answer.silences),
  createSilence: (body: SilenceCreate): Promise<Silence> => take(http.POST('/api/v1/silences', { body })),
  deleteSilence: (id: string) => take(http.DELETE('/api/v1/silences/{id}', of(id))),

  channels: (isBackground: boolean, signal: AbortSignal): Promise<ChannelList> => take(http.GET('/api/v1/channels', { ...background(isBackground), signal })),
  createChannel: (body: ChannelWrite): Promise<Channel> => take(http.POST('/api/v1/channels', { body })),
  updateChannel: (id: string, body: ChannelWrite): Promise<Channel> => take(http.PATCH('/api/v1/channels/{id}', { ...of(id), body })),
  deleteChannel: (id: string) => take(http.DELETE('/api/v1/channels/{id}', of(id))),
  testChannel: (id: string): Promise<Delivery> => take(http.POST('/api/v1/channels/{id}/test', of(id))),
  /** A page, the newest first. `cursor`: of the page before, empty for the first. */
  deliveries: (id: string, cursor: string, isBackground: boolean, signal: AbortSignal): Promise<DeliveryList> =>
    take(http.GET('/api/v1/channels/{id}/deliveries', { params: { path: { id }, query: cursor === '' ? {} : { cursor } }, ...background(isBackground), signal })),
  key: (signal: AbortSignal): Promise<NoticeKey> => take(http.GET('/api/v1/notices/key', { signal })),
}
