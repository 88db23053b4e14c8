/** The kinds of insights: what each is called, and what it watches. */
import { FileKey2, Gauge, KeyRound, LockKeyhole, MapPinned, EyeOff, ShieldAlert } from 'lucide-react'
import type { InsightType } from '../api/shapes'

interface Kind {
  title: string
  /** What it watches, in a sentence. */
  what: string
  Icon: typeof Gauge
}

export const KINDS: Record<InsightType, Kind> = {
  ApiCallRateInsight: { title: 'Call rate', what: 'An action that changes something is done more often than usual.', Icon: Gauge },
  ApiErrorRateInsight: { title: 'Error rate', what: 'An action fails more often than usual, with one error code.', Icon: ShieldAlert },
  IpInsight: { title: 'New address', what: 'Somebody acts from an address that does not fit.', Icon: MapPinned },
  AkInsight: { title: 'Access key', what: 'An access key is used from a network, with a program or for what it never was.', Icon: KeyRound },
  PolicyChangeInsight: { title: 'Policy changes', what: 'Rights change more often than usual.', Icon: FileKey2 },
  PasswordChangeInsight: { title: 'Password changes', what: 'Passwords change more often than usual.', Icon: LockKeyhole },
  TrailConcealmentInsight: { title: 'Concealed trail', what: 'Records of what is done are stopped, or a source fell silent.', Icon: EyeOff },
}

export const KIND_NAMES = Object.keys(KINDS) as InsightType[]

export const kindNamed = (name: string | undefined): InsightType | undefined => KIND_NAMES.find((kind) => kind === name)
