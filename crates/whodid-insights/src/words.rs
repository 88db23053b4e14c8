//! Names of actions as words: `PutUserPolicy`, `iam-am.policy.create` and `Reset user password` alike.

/// Words of a name that count.
const WORDS_MAX: usize = 24;

/// The words of a name in lower case, one space before, between and behind: ` put user policy `.
///
/// Words end at every sign that is no letter or digit, and where a capital begins one: `updateMFADevice` has three.
pub fn words(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::with_capacity(name.len() + 8);
    words.push(' ');
    let mut count = 0;
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !words.ends_with(' ') {
                words.push(' ');
                count += 1;
            }
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let next_is_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if begins && !words.ends_with(' ') {
            words.push(' ');
            count += 1;
        }
        if count == WORDS_MAX {
            break;
        }
        words.extend(letter.to_lowercase());
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// Whether words hold all of a pattern: texts between `*`, in this order. A word of a pattern is a whole word.
pub fn holds(words: &str, pattern: &str) -> bool {
    let mut rest = words;
    for part in pattern.split('*') {
        let part = part.trim();
        let Some(at) = find_words(rest, part) else { return false };
        // With the space behind, which begins the next word.
        rest = &rest[at + part.len()..];
    }
    true
}

fn find_words(words: &str, part: &str) -> Option<usize> {
    let whole = |at: &usize| words[..*at].ends_with(' ') && words[at + part.len()..].starts_with(' ');
    words.match_indices(part).map(|(at, _)| at).find(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_words() {
        for (name, expected) in [
            ("PutUserPolicy", " put user policy "),
            ("iam-am.policy.create", " iam am policy create "),
            ("Reset user password", " reset user password "),
            ("updateMFADevice", " update mfa device "),
            ("google.iam.v1.SetIAMPolicy", " google iam v1 set iam policy "),
            ("Microsoft.Authorization/roleAssignments/write", " microsoft authorization role assignments write "),
            ("", " "),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn a_pattern_holds_whole_words_in_order() {
        for (name, pattern, expected) in [
            ("PutUserPolicy", "put * policy", true),
            ("PutUserPolicy", "put user policy", true),
            ("PutPolicy", "put * policy", true),
            ("ComputePolicy", "put * policy", false),
            ("PolicyPut", "put * policy", false),
            ("PutPolicyVersion", "put * policy", true),
        ] {
            assert_eq!(holds(&words(name), pattern), expected, "{name} {pattern}");
        }
    }
}
