import { ExternalLink } from 'lucide-react'
import type { ReactNode } from 'react'
import type { RuleDetail } from '../api/shapes'
import { isFilter, reachOf, tagText, techniqueAddress } from './words'

/** What a rule says about itself: what it looks for, what to do, when it may be wrong. */
export function AboutRule({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { reach, rest } = isFilter(rule) ? reachOf(rule) : { reach: '', rest: rule.description }
  return (
    <section className="panel rule-about" aria-label={isFilter(rule) ? 'About the filter' : 'About the rule'}>
      {reach !== '' && <p className="filter-reach">{reach}</p>}
      {(rest !== '' || reach === '') && <p className="rule-description">{rest === '' ? <span className="muted">It has no description.</span> : rest}</p>}
      <dl className="rule-facts">
        {detail.next_steps.length > 0 && (
          <Fact name="What to do">
            <ol className="numbered">
              {detail.next_steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          </Fact>
        )}
        {detail.false_positives.length > 0 && (
          <Fact name="May be wrong">
            <ul className="bullets">
              {detail.false_positives.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </Fact>
        )}
        {rule.tags.length > 0 && (
          <Fact name="Techniques">
            <span className="tags">
              {rule.tags.map((tag) => {
                const address = techniqueAddress(tag)
                return address === undefined ? (
                  <span key={tag} className="tag">
                    {tagText(tag)}
                  </span>
                ) : (
                  <a key={tag} className="tag tag-line" href={address} target="_blank" rel="noreferrer" title={`MITRE ATT&CK ${tagText(tag)}`}>
                    {tagText(tag)} <ExternalLink size={10} aria-hidden />
                    <span className="visually-hidden"> at MITRE ATT&CK, in a new tab</span>
                  </a>
                )
              })}
            </span>
          </Fact>
        )}
        {detail.references.length > 0 && (
          <Fact name="Read more">
            <ul>
              {detail.references.map((reference) => (
                <li key={reference}>
                  {/^https?:\/\//.test(reference) ? (
                    <a href={reference} target="_blank" rel="noreferrer" className="wrap">
                      {reference}
                    </a>
                  ) : (
                    <span className="wrap">{reference}</span>
                  )}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {(rule.author !== '' || rule.license != null) && <Fact name="Written by">{[rule.author, rule.license].filter(Boolean).join(', ')}</Fact>}
        {detail.without_audit && !isFilter(rule) && <Fact name="Audit log">Sees nothing of it: whoever {rule.package == null ? 'wrote its text' : 'installed its package'} may not read it.</Fact>}
        <Fact name="Version">
          <code className="wrap small" title="The SHA-256 of its text: findings and the audit log carry it, too">
            {detail.version}
          </code>
        </Fact>
      </dl>
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
