//! Hashing passwords without letting anybody fill the machine with it.
//!
//! One hash takes tens of milliseconds of a core and 19 MiB. As many run at once as there are permits; the rest waits
//! a moment, and is told to come again when that is not enough.

use std::sync::Arc;
use std::time::Duration;

use whodid_api::Code;
use whodid_meta::{HashedPassword, PasswordError};

use super::App;
use super::failure::Failure;

/// Hashes at once.
pub const HASHES_MAX: usize = 2;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// Checks a new password of somebody with these names, and hashes it.
pub async fn hash(
    app: &App,
    password: String,
    length_min: u32,
    name: &str,
    display_name: &str,
) -> Result<HashedPassword, Failure> {
    let (name, display_name) = (name.to_owned(), display_name.to_owned());
    let hashed = on_a_thread(app, move || {
        whodid_meta::check_password(&password, length_min, &name, &display_name)?;
        whodid_meta::hash_password(&password)
    });
    hashed.await?.map_err(|error| match error {
        PasswordError::Random => Failure::internal("hashing a password", &error),
        weak => Failure::new(Code::WeakPassword, weak.to_string()),
    })
}

/// Whether the password is the stored one; `None` stands for one that is not there, and takes as long.
pub async fn verify(app: &App, password: String, stored: Option<HashedPassword>) -> Result<bool, Failure> {
    on_a_thread(app, move || whodid_meta::verify_password(stored.as_ref(), &password)).await
}

async fn on_a_thread<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let busy = || Failure::new(Code::Overloaded, "too many people sign in at this moment; try again");
    let turn = tokio::time::timeout(WAIT, Arc::clone(&app.hashing).acquire_owned()).await;
    let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(|error| Failure::internal("hashing a password", &error))
}
