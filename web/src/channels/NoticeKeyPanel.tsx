import { useQuery } from '@tanstack/react-query'
import { Copy, Download } from 'lucide-react'
import { useMemo } from 'react'
import { alerts } from '../api/alerts'
import { Loaded } from '../ui/Loaded'
import { copyText } from '../ui/notice'

/** The key that receivers verify signed notices with. */
export function NoticeKeyPanel() {
  const key = useQuery({ queryKey: ['notices', 'key'], queryFn: ({ signal }) => alerts.key(signal), staleTime: Infinity })
  return (
    <section className="panel notice-key">
      <div>
        <h2>Key of signed notices</h2>
        <p className="muted small">
          Webhooks with a JWT are signed by this installation. Receivers verify them with this public key, which is also at <code>/api/v1/notices/key</code>.
        </p>
      </div>
      <Loaded query={key}>{(data) => <Shown pem={data.pem} jwk={data.jwk} />}</Loaded>
    </section>
  )
}

function Shown({ pem, jwk }: { pem: string; jwk: Record<string, string> }) {
  const file = useMemo(() => URL.createObjectURL(new Blob([pem], { type: 'application/x-pem-file' })), [pem])
  return (
    <>
      <pre className="mono notice-pem" tabIndex={0} role="region" aria-label="Public key">
        {pem.trim()}
      </pre>
      <div className="button-row">
        <button type="button" className="button small" onClick={() => void copyText(pem, 'Key')}>
          <Copy size={13} aria-hidden /> Copy the PEM
        </button>
        <button type="button" className="button small" onClick={() => void copyText(JSON.stringify(jwk), 'JWK')}>
          <Copy size={13} aria-hidden /> Copy as JWK
        </button>
        <a className="button small" href={file} download="whodid-notices.pem">
          <Download size={13} aria-hidden /> Download
        </a>
      </div>
    </>
  )
}
