//! Errors in words.

/// An error with its causes in one line, each said once. Without the stack that some libraries append: it tells
/// users nothing, and operators less than the causes.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    const STACK: &str = "\n\nbacktrace:";
    let mut text = String::new();
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let whole = cause.to_string();
        let told = whole.split(STACK).next().unwrap_or_default().trim();
        if told.is_empty() || text.contains(told) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(told);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str, #[source] Option<Box<Told>>);

    #[test]
    fn causes_are_told_once_and_without_their_stacks() {
        let inner = Told("the disk is full\n\nbacktrace:    0: main\n   1: start", None);
        let middle = Told("the disk is full", Some(Box::new(inner)));
        assert_eq!(chain(&Told("writing failed", Some(Box::new(middle)))), "writing failed: the disk is full");
    }
}
