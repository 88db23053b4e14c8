/** Who may see what, and when they last did: for an auditor to go through, on the page or as a file. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowLeft, Download } from 'lucide-react'
import { fullTime } from '../activity/time'
import { admin, reviewAddress } from '../api/admin'
import { Gate } from '../session/Gate'
import { KINDS } from '../keys/kinds'
import { ScopeWords } from '../keys/ScopeFields'
import { Loaded } from '../ui/Loaded'
import { usePrefs } from '../ui/prefs'
import { When } from '../ui/When'
import { RoleTag } from './RoleTag'

export function AccessReviewPage() {
  const { zone } = usePrefs()
  const review = useQuery({ queryKey: ['access-review'], queryFn: ({ signal }) => admin.accessReview(signal), staleTime: 0 })
  return (
    <Gate need={['users.read']}>
      <div className="page settings-page">
        <header className="page-head with-action">
          <div>
            <Link to="/settings/users" search={{}} className="back-link">
              <ArrowLeft size={13} aria-hidden /> Users
            </Link>
            <h1>Access review</h1>
            <p className="muted">
              Who may see what in {review.data?.account ?? 'this account'}, and when they last did.
              {review.data && ` As of ${fullTime(review.data.at, zone).replace(/\.\d+/, '')}.`}
            </p>
          </div>
          <a className="button primary" href={reviewAddress()} download>
            <Download size={14} aria-hidden /> Download CSV
          </a>
        </header>
        <Loaded query={review}>
          {({ users, keys }) => (
            <>
              <h2>People</h2>
              <table className="page-table review-table">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Roles</th>
                    <th scope="col">May</th>
                    <th scope="col">Second factor</th>
                    <th scope="col">Last sign-in</th>
                    <th scope="col">Last read events</th>
                  </tr>
                </thead>
                <tbody>
                  {users.map((user) => (
                    <tr key={user.id} className={user.is_enabled ? '' : 'dimmed'}>
                      <th scope="row" data-label="Name">
                        <span className="stacked">
                          <Link to="/settings/users" search={{ open: user.id }} className="row-link">
                            {user.name}
                          </Link>
                          {!user.is_enabled && <span className="tag tag-bad">disabled</span>}
                        </span>
                      </th>
                      <td data-label="Roles">
                        <span className="tags">
                          {user.roles.length === 0 && <span className="muted">none</span>}
                          {user.roles.map((role) => (
                            <RoleTag key={role.binding} role={role} />
                          ))}
                        </span>
                      </td>
                      <td data-label="May" className="permissions-cell">
                        <details>
                          <summary>{user.permissions.length === 1 ? 'one permission' : `${user.permissions.length} permissions`}</summary>
                          <span className="mono small">{user.permissions.join(', ')}</span>
                        </details>
                      </td>
                      <td data-label="Second factor">{user.has_mfa ? 'on' : <span className="warn">off</span>}</td>
                      <td data-label="Last sign-in">
                        <When iso={user.last_signed_in_at} />
                      </td>
                      <td data-label="Last read">
                        <When iso={user.last_read_at} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <h2>Keys that work</h2>
              {keys.length === 0 ? (
                <p className="muted">None.</p>
              ) : (
                <table className="page-table">
                  <thead>
                    <tr>
                      <th scope="col">Name</th>
                      <th scope="col">Kind</th>
                      <th scope="col">Limits</th>
                      <th scope="col">Expires</th>
                      <th scope="col">Last used</th>
                    </tr>
                  </thead>
                  <tbody>
                    {keys.map((key) => (
                      <tr key={key.id}>
                        <th scope="row" data-label="Name">
                          <span className="stacked">
                            {key.name}
                            {key.user !== undefined && <span className="muted small">of {key.user}</span>}
                          </span>
                        </th>
                        <td data-label="Kind">{KINDS[key.kind].label}</td>
                        <td data-label="Limits">
                          <ScopeWords scope={key.scope} />
                        </td>
                        <td data-label="Expires">
                          <When iso={key.expires_at} />
                        </td>
                        <td data-label="Last used">
                          <When iso={key.last_used_at} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </>
          )}
        </Loaded>
      </div>
    </Gate>
  )
}
