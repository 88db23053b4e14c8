import { useEffect, type ReactNode } from 'react'

/** What stands round every page of people who are not signed in. */
export function SignInFrame({ title, lead, wide = false, children }: { title: string; lead?: ReactNode; wide?: boolean; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · whodid`
  }, [title])
  return (
    <main className="sign-in">
      <div className={`sign-in-card${wide ? ' wide' : ''}`}>
        <div className="sign-in-brand">
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>whodid</span>
        </div>
        <div className="sign-in-head">
          <h1>{title}</h1>
          {lead !== undefined && <p className="muted">{lead}</p>}
        </div>
        {children}
      </div>
    </main>
  )
}
