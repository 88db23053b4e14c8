/** What a receiver of each kind needs, with how to come by it. */
import { Plus, X } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import { leaveRow } from '../ui/leaveRow'
import type { ChannelForm } from './channelForm'
import { SecretField } from './SecretField'

interface ReceiverFieldsProps {
  form: ChannelForm
  onChange: (change: Partial<ChannelForm>) => void
  hasMail: boolean
}

export function ReceiverFields(props: ReceiverFieldsProps) {
  const { form, onChange, hasMail } = props
  const id = useId()
  switch (form.kind) {
    case 'email':
      return (
        <>
          {!hasMail && (
            <p className="banner warning small">
              whodid knows no mail server yet, so such a channel is refused. The operator sets <code>mail.host</code> and <code>mail.from</code> in the configuration.
            </p>
          )}
          <Field id={`${id}-to`} label="Addresses" help="One on a line, at most 50, without display names.">
            <textarea id={`${id}-to`} aria-describedby={`${id}-to-help`} className="field-input mono" rows={3} spellCheck={false} placeholder="soc@example.com" value={form.to} onChange={(event) => onChange({ to: event.target.value })} />
          </Field>
        </>
      )
    case 'slack':
      return (
        <Field id={`${id}-url`} label="Address of the webhook" help="In Slack: your app, Incoming Webhooks, Add New Webhook to Workspace. Who has the address can write to the channel, so it is kept as a secret.">
          <SecretField id={`${id}-url`} label="Address of the webhook" value={form.url} placeholder="https://hooks.slack.com/services/T000/B000/XXXX" describedBy={`${id}-url-help`} onChange={(url) => onChange({ url })} />
        </Field>
      )
    case 'teams':
      return (
        <Field id={`${id}-url`} label="Address of the webhook" help="In Teams: the channel’s Workflows, “Post to a channel when a webhook request is received”. The address is kept as a secret.">
          <SecretField id={`${id}-url`} label="Address of the webhook" value={form.url} placeholder="https://prod-00.westeurope.logic.azure.com/workflows/" describedBy={`${id}-url-help`} onChange={(url) => onChange({ url })} />
        </Field>
      )
    case 'pagerduty':
      return (
        <>
          <Field id={`${id}-key`} label="Integration key" help="In PagerDuty: the service, Integrations, Events API v2. It has 32 characters.">
            <SecretField id={`${id}-key`} label="Integration key" value={form.routingKey} placeholder="32 characters" describedBy={`${id}-key-help`} onChange={(routingKey) => onChange({ routingKey })} />
          </Field>
          <label className="check">
            <input type="checkbox" checked={form.autoResolve} onChange={(event) => onChange({ autoResolve: event.target.checked })} />
            <span>Resolving an alert resolves the incident</span>
          </label>
          <Field id={`${id}-region`} label="Address of another region (optional)">
            <input id={`${id}-region`} type="text" className="field-input mono" spellCheck={false} autoComplete="off" placeholder="https://events.eu.pagerduty.com/v2/enqueue" value={form.pagerdutyUrl} onChange={(event) => onChange({ pagerdutyUrl: event.target.value })} />
          </Field>
        </>
      )
    case 'webhook':
      return <WebhookFields {...props} />
    case 'syslog':
      return (
        <>
          <div className="syslog-fields">
            <Field id={`${id}-transport`} label="Over">
              <select id={`${id}-transport`} className="field-input" value={form.transport} onChange={(event) => onChange({ transport: event.target.value as ChannelForm['transport'] })}>
                <option value="tls">TLS</option>
                <option value="tcp">TCP</option>
                <option value="udp">UDP</option>
              </select>
            </Field>
            <Field id={`${id}-host`} label="Host">
              <input id={`${id}-host`} type="text" className="field-input mono" spellCheck={false} autoComplete="off" placeholder="logs.example.com" value={form.host} onChange={(event) => onChange({ host: event.target.value })} />
            </Field>
            <Field id={`${id}-port`} label="Port">
              <input id={`${id}-port`} type="number" className="field-input" min={1} max={65535} value={form.port} onChange={(event) => onChange({ port: event.target.value })} />
            </Field>
          </div>
          {form.transport === 'udp' && <p className="muted small">UDP may lose notices, and nobody would know.</p>}
        </>
      )
  }
}

/** `help` says more of the input, which names it as `aria-describedby={`${id}-help`}`. */
export function Field({ id, label, help, children }: { id: string; label: string; help?: ReactNode; children: ReactNode }) {
  return (
    <div className="field stack-tight">
      <label htmlFor={id}>{label}</label>
      {children}
      {help !== undefined && (
        <p className="muted small" id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  )
}

const TEMPLATE = '{"text": {{ name }}, "count": {{ matches }}, "link": {{ url }}}'

function WebhookFields({ form, onChange }: ReceiverFieldsProps) {
  const id = useId()
  const set = (at: number, change: Partial<{ name: string; value: string }>): void => onChange({ headers: form.headers.map((header, index) => (index === at ? { ...header, ...change } : header)) })
  return (
    <>
      <div className="webhook-address">
        <Field id={`${id}-method`} label="Method">
          <select id={`${id}-method`} className="field-input" value={form.method} onChange={(event) => onChange({ method: event.target.value as ChannelForm['method'] })}>
            <option value="post">POST</option>
            <option value="put">PUT</option>
            <option value="patch">PATCH</option>
            <option value="get">GET</option>
            <option value="delete">DELETE</option>
          </select>
        </Field>
        <Field id={`${id}-url`} label="Address">
          <input id={`${id}-url`} type="text" inputMode="url" className="field-input mono" spellCheck={false} autoComplete="off" placeholder="https://alerts.example.com/in" value={form.url} onChange={(event) => onChange({ url: event.target.value })} />
        </Field>
      </div>
      <p className="muted small">A public address by HTTPS, on port 443 or 8443. For one inside your network, the operator sets <code>channels.allow</code>.</p>
      <fieldset className="conditions">
        <legend>Headers</legend>
        {form.headers.map((header, at) => (
          <div key={at} className="pair-row">
            <input type="text" className="field-input mono" aria-label={`Name of header ${at + 1}`} placeholder="Authorization" autoComplete="off" spellCheck={false} value={header.name} onChange={(event) => set(at, { name: event.target.value })} />
            <SecretField label={`Value of header ${at + 1}`} value={header.value} placeholder="Bearer secret" onChange={(value) => set(at, { value })} />
            <button type="button" className="icon-button small" aria-label={`Remove header ${at + 1}`} onClick={(event) => { leaveRow(event.currentTarget); onChange({ headers: form.headers.filter((_, index) => index !== at) }) }}>
              <X size={14} aria-hidden />
            </button>
          </div>
        ))}
        <button type="button" className="link-button" onClick={() => onChange({ headers: [...form.headers, { name: '', value: '' }] })}>
          <Plus size={13} aria-hidden /> Add a header
        </button>
      </fieldset>
      <Field id={`${id}-signing`} label="Signature" help={form.signing === 'jwt' ? 'The body is a JWT (RS256) of {"findings": […]}, as Security Advisor sent it. Its public key stands below the list of channels.' : form.signing === 'hmac' ? 'A header X-Whodid-Signature: t=…,v1=… with the HMAC-SHA256 of “t.body”.' : 'The receiver cannot tell that whodid sent it.'}>
        <select id={`${id}-signing`} aria-describedby={`${id}-signing-help`} className="field-input" value={form.signing} onChange={(event) => onChange({ signing: event.target.value as ChannelForm['signing'] })}>
          <option value="none">none</option>
          <option value="hmac">HMAC with a shared key</option>
          <option value="jwt">JWT with whodid’s own key</option>
        </select>
      </Field>
      {form.signing === 'hmac' && (
        <Field id={`${id}-secret`} label="Shared key">
          <SecretField id={`${id}-secret`} label="Shared key" value={form.secret} placeholder="16 characters or more" onChange={(secret) => onChange({ secret })} />
        </Field>
      )}
      {form.signing !== 'jwt' && (
        <details className="more-fields" open={form.template !== ''}>
          <summary>Write the body yourself</summary>
          <div className="stack">
            <Field
              id={`${id}-template`}
              label="Template of the body"
              help={
                <>
                  Names: <code>name</code>, <code>matches</code>, <code>level</code>, <code>url</code>, <code>query</code>, <code>line</code>, <code>notice</code>, <code>event</code> and those of LogDNA’s webhooks. Without a template the body is the notice as JSON.
                </>
              }
            >
              <textarea id={`${id}-template`} aria-describedby={`${id}-template-help`} className="field-input mono" rows={5} spellCheck={false} placeholder={TEMPLATE} value={form.template} onChange={(event) => onChange({ template: event.target.value })} />
            </Field>
          </div>
        </details>
      )}
    </>
  )
}
