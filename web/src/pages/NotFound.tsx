import { Link } from '@tanstack/react-router'

export function NotFound() {
  return (
    <main className="page-alone">
      <div className="state">
        <h1>No such page</h1>
        <p>The address may be mistyped, or from another version.</p>
        <Link to="/activity" className="button primary">
          Go to Activity
        </Link>
      </div>
    </main>
  )
}
