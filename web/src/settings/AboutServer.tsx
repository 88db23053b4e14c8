/** What runs here, and whose data on where addresses are it uses: their licences want it said. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client'
import { Loaded } from '../ui/Loaded'

export function AboutServer() {
  const status = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => api.status(signal) })
  return (
    <section className="panel setting-group about-server" aria-labelledby="about-server">
      <h2 id="about-server">About</h2>
      <Loaded query={status}>
        {({ version, locations }) => (
          <dl>
            <dt>whodid</dt>
            <dd className="mono">{version}</dd>
            <dt>Where addresses are</dt>
            {locations === null ? (
              <dd>
                <span className="muted">not known: rules go by networks.</span> <code>whodid locations install</code> brings a database of countries
              </dd>
            ) : (
              <dd>
                <span className="mono wrap">{locations.source ?? locations.kind}</span> of {locations.built_at.slice(0, 10)}
                {locations.licence !== null && `, ${locations.licence}`}
                {locations.notices.map((notice) => (
                  <details key={notice} className="small">
                    <summary>To whom it is owed</summary>
                    <pre>{notice}</pre>
                  </details>
                ))}
              </dd>
            )}
          </dl>
        )}
      </Loaded>
    </section>
  )
}
