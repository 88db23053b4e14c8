import { Link } from '@tanstack/react-router'
import { isProblem, Problem } from '../api/problem'
import { SignInFrame } from './SignInFrame'

/** A link that does not work, and what to do. */
export function BadLink({ title, error, again }: { title: string; error: unknown; again: string }) {
  const isUsed = isProblem(error, 'link_used')
  const isDown = error instanceof Problem && error.status === 0
  return (
    <SignInFrame title={title}>
      <p className="banner error" role="alert">
        {error === undefined
          ? 'Part of the link is missing. Check that it was copied whole.'
          : isDown
            ? `${error.title}. ${error.message}`
            : isUsed
              ? 'This link was used already. Each link works once.'
              : 'This link has expired, was taken back, or is not one of this server.'}
      </p>
      <p className="muted">{isUsed ? 'If it was you, sign in.' : again}</p>
      <Link to="/sign-in" className="button wide">
        Go to signing in
      </Link>
    </SignInFrame>
  )
}
