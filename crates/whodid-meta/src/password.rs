//! Which passwords are taken, and how they are kept.
//!
//! Length and guessability only (NIST SP 800-63B-4): no rules of composition, no truncation, any Unicode. Kept as
//! argon2id with 19 MiB, two passes, one lane (OWASP's first recommendation). Hashing costs tens of milliseconds of
//! a processor: callers run it where it blocks nobody.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// Longest password in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Fewest guesses that zxcvbn thinks a password takes, as a power of ten. Its own step from 2 to 3 is at 8, where words
/// with a year and a sign still pass that everybody makes when asked for capitals and digits.
const GUESSES_LOG10_MIN: f64 = 9.0;
/// zxcvbn's cost grows with the length; what stands behind does not make a password worse.
const JUDGED_CHARS_MAX: usize = 100;

/// The argon2id hash of a password, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// The PHC string, for its one column.
    pub(crate) fn phc(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(phc: String) -> Self {
        Self(phc)
    }

    /// Whether it is of this password. Takes as long as hashing. Blocking.
    pub fn is_of(&self, password: &str) -> bool {
        let Ok(hash) = PasswordHash::new(&self.0) else { return false };
        password.len() <= PASSWORD_BYTES_MAX && hasher().verify_password(password.as_bytes(), &hash).is_ok()
    }
}

impl std::fmt::Debug for HashedPassword {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HashedPassword(…)")
    }
}

/// Why a password is not taken. The text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("use at least {min} characters; several words in a row are easy to remember")]
    Short {
        /// How many are needed.
        min: u32,
    },
    /// Too many bytes.
    #[error("use at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// Common, or made of what anybody would try first.
    #[error("{why} add some words that have nothing to do with each other, with you or with whodid")]
    Guessable {
        /// What makes it so.
        why: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Checks a password for somebody with these names. Blocking, for some milliseconds.
pub fn check_password(password: &str, length_min: u32, name: &str, display_name: &str) -> Result<(), PasswordError> {
    if password.chars().count() < length_min as usize {
        return Err(PasswordError::Short { min: length_min });
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    // The parts of a name are guessed too: `alice` of `alice@example.com`.
    let mut known: Vec<&str> = vec!["whodid", name, display_name];
    known.extend(name.split(|character: char| !character.is_alphanumeric()).filter(|part| part.len() > 2));
    known.extend(display_name.split_whitespace().filter(|part| part.len() > 2));
    let judged: String = password.chars().take(JUDGED_CHARS_MAX).collect();
    let entropy = zxcvbn::zxcvbn(&judged, &known);
    if entropy.guesses_log10() < GUESSES_LOG10_MIN {
        let warning = entropy.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        let why = warning.map_or_else(|| "This is easy to guess:".to_owned(), |warning| warning.to_string());
        return Err(PasswordError::Guessable { why });
    }
    Ok(())
}

/// Hashes a password that was checked. Blocking.
pub fn hash_password(password: &str) -> Result<HashedPassword, PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|_| PasswordError::Random)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordError::Random)?;
    let hash = hasher().hash_password(password.as_bytes(), &salt).map_err(|_| PasswordError::Long)?;
    Ok(HashedPassword(hash.to_string()))
}

/// Whether `stored` is of this password; takes the same time when there is none. Blocking.
pub fn verify_password(stored: Option<&HashedPassword>, password: &str) -> bool {
    match stored {
        Some(stored) => stored.is_of(password),
        None => {
            // Of nothing: the salt and hash are any, the cost is that of a real one.
            const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$d2hvZGlkd2hvZGlkd2hvZA$\
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            let _ = HashedPassword(DUMMY.to_owned()).is_of(password);
            false
        }
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("these parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expected: &str) {
        let found = match check_password(password, 12, "alice@example.com", "Alice Liddell") {
            Ok(()) => "ok",
            Err(PasswordError::Short { .. }) => "short",
            Err(PasswordError::Long) => "long",
            Err(PasswordError::Guessable { .. }) => "guessable",
            Err(PasswordError::Random) => "random",
        };
        assert_eq!(found, expected, "{password}");
    }

    #[test]
    fn length_and_guessability_decide_and_nothing_else() {
        check("elephant kayak lamp", "ok");
        check("ваза облако семь три", "ok");
        check("x7$kQ9!mZ2@p", "ok");
        check("short one", "short");
        check("passwordpassword", "guessable");
        check("aaaaaaaaaaaaaaaa", "guessable");
        check("123456789012", "guessable");
        check("qwertyuiop[]", "guessable");
        check("whodidwhodid", "guessable");
        check("aliceliddell", "guessable");
        check("alice@example.com", "guessable");
        check(&"elephant kayak lamp ".repeat(60), "long");
        // Characters are counted, not bytes.
        check("ééééééééééé", "short");
    }

    /// ASVS 5, 6.2.4: what lists of stolen passwords have most often among those that are long enough.
    #[test]
    fn long_passwords_that_many_people_use_are_not_taken() {
        let used = "1q2w3e4r5t6y 123456789abc qwertyuiopas 1234567890qwerty qwertyuiop123 asdfghjklqwerty zaq12wsxcde3 \
                    q1w2e3r4t5y6 123qweasdzxc 1qaz2wsx3edc 1qazxsw23edc qazwsxedcrfv qazwsxedc123 zxcvbnmasdfghjkl \
                    123123123123 111111111111 121212121212 123456123456 1234512345123 987654321012 abcdefghijkl \
                    abcd1234abcd abc123abc123 password1234 password12345 Password123! P@ssw0rd1234 passw0rdpassw0rd \
                    administrator administrator1 Admin123456! letmeinletmein iloveyouiloveyou iloveyou1234 \
                    welcome12345 Welcome2024! trustno1trustno1 sunshinesunshine footballfootball baseball1234 \
                    princess1234 dragondragon superman1234 michaeljordan liverpool1234 manchesterunited chocolate123 \
                    qwerty123456 qwertyqwerty asdfasdfasdf zxcvbnm12345 123456qwerty";
        let taken: Vec<&str> =
            used.split(' ').filter(|text| check_password(text, 12, "eve@example.com", "Eve").is_ok()).collect();
        assert!(taken.is_empty(), "{taken:?}");
    }

    #[test]
    fn a_hash_is_of_its_password_only_and_has_the_parameters_promised() {
        let hash = hash_password("elephant kayak lamp").unwrap();
        assert!(hash.phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.is_of("elephant kayak lamp"));
        assert!(!hash.is_of("elephant kayak lamP"));
        assert!(verify_password(Some(&hash), "elephant kayak lamp"));
        assert!(!verify_password(None, "elephant kayak lamp"));
        assert_eq!(format!("{hash:?}"), "HashedPassword(…)");
    }

    #[test]
    fn an_unknown_name_costs_a_real_hash() {
        let dummy = "$argon2id$v=19$m=19456,t=2,p=1$d2hvZGlkd2hvZGlkd2hvZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(PasswordHash::new(dummy).is_ok(), "a text that does not parse would cost nothing");
    }
}
