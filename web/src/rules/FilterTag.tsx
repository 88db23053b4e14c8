/** That it is no rule of its own but narrows others. */
export function FilterTag() {
  return (
    <span className="tag tag-line" title="It finds nothing itself: it narrows what rules find">
      filter
    </span>
  )
}
