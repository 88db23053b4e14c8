//! Second factors, end to end.

use aws_lc_rs::hmac;
use whodid_meta::{Answer, ChallengeError, ChangeError, FactorCheck, Meta, Method, Secret};
use whodid_model::Timestamp;

use crate::place::{HOUR, MINUTE, Place, SECOND, Shop, actor, at, home, nobody, on_both};

/// An authenticator app, written a second time from RFC 6238.
pub fn app(secret: &Secret, now: Timestamp) -> String {
    let secret = data_encoding::BASE32_NOPAD.decode(secret.expose().as_bytes()).unwrap();
    let step = (now.micros() / SECOND / 30) as u64;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = (tag.as_ref()[19] & 15) as usize;
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn set_up(shop: &Shop, user: &str) -> (Secret, Vec<Secret>) {
    let setup = shop.meta.begin_totp(user, at(0)).await.unwrap();
    let codes = shop.meta.confirm_totp(&actor("eve"), user, &app(&setup.secret, at(0)), at(0)).await.unwrap();
    (setup.secret, codes)
}

async fn answer(meta: &Meta, user: &str, answer: Answer<'_>, when: i64) -> Result<Method, ChallengeError> {
    let token = meta.begin_challenge(user, Method::Password, at(when)).await.unwrap();
    meta.answer_challenge(&nobody(), token.expose(), answer, at(when)).await.map(|answered| {
        assert_eq!(answered.user, user);
        answered.method
    })
}

#[tokio::test]
async fn a_second_factor_counts_from_its_first_code() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve@example.com", &["reader"]).await;
        let setup = meta.begin_totp(&eve, at(0)).await.unwrap();
        assert!(setup.uri.expose().starts_with("otpauth://totp/whodid:eve%40example.com?secret="));
        assert!(!meta.credentials("eve@example.com").await.unwrap().unwrap().has_mfa);
        let wrong = meta.confirm_totp(&actor("eve"), &eve, "000000", at(0)).await;
        assert!(matches!(wrong, Err(ChangeError::WrongCode)));
        assert_eq!(shop.told().await, "", "nothing counts yet");
        let codes = meta.confirm_totp(&actor("eve"), &eve, &app(&setup.secret, at(0)), at(0)).await.unwrap();
        assert_eq!((codes.len(), codes[0].expose().len()), (10, 27));
        assert!(meta.credentials("eve@example.com").await.unwrap().unwrap().has_mfa);
        assert!(meta.user(&home(), &eve, at(0)).await.unwrap().unwrap().user.has_mfa);
        let events = shop.events().await;
        assert_eq!(events[0]["action"], "whodid.mfa.enable");
        assert_eq!(events[0]["requestData"]["delta"][1]["value"], true);
        assert!(matches!(meta.begin_totp(&eve, at(1)).await, Err(ChangeError::Already { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_code_is_taken_once_and_a_recovery_code_in_its_place() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let (secret, codes) = set_up(&shop, &eve).await;
        shop.told().await;
        let now = 2 * MINUTE;
        let code = app(&secret, at(now));
        assert_eq!(answer(meta, &eve, Answer::Code(&code), now).await.unwrap(), Method::Password);
        let again = answer(meta, &eve, Answer::Code(&code), now).await;
        assert!(matches!(again, Err(ChallengeError::WrongCode { left: 4 })));
        let failed = &shop.events().await[1];
        assert_eq!(failed["reason"]["policyId"], "code_wrong", "as the answer's problem says");
        let typed = codes[0].expose().to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
        assert_eq!(answer(meta, &eve, Answer::Recovery(&typed), now).await.unwrap(), Method::Recovery);
        assert!(answer(meta, &eve, Answer::Recovery(codes[0].expose()), now).await.is_err());
        assert_eq!(meta.recovery_codes_left(&eve).await.unwrap(), 9);
        assert_eq!(shop.told().await, "mfa.authenticate !mfa.authenticate");
        let fresh = meta.new_recovery_codes(&actor("eve"), &eve, at(now)).await.unwrap();
        assert!(answer(meta, &eve, Answer::Recovery(codes[1].expose()), now).await.is_err());
        let check = async || {
            let answer = Answer::Recovery(fresh[0].expose());
            meta.check_second_factor(&actor("eve"), &eve, answer, at(now)).await.unwrap()
        };
        assert_eq!((check().await, check().await), (FactorCheck::Passed, FactorCheck::Wrong));
    })
    .await;
}

#[tokio::test]
async fn a_challenge_ends_after_five_minutes_or_five_wrong_answers() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let (secret, _) = set_up(&shop, &eve).await;
        let token = meta.begin_challenge(&eve, Method::Password, at(HOUR)).await.unwrap();
        let late = HOUR + 5 * MINUTE;
        let code = app(&secret, at(late));
        let refused = meta.answer_challenge(&nobody(), token.expose(), Answer::Code(&code), at(late)).await;
        assert!(matches!(refused, Err(ChallengeError::Expired)));
        for left in (0..5).rev() {
            let wrong = meta.answer_challenge(&nobody(), token.expose(), Answer::Code("000000"), at(HOUR)).await;
            assert!(matches!(wrong, Err(ChallengeError::WrongCode { left: found }) if found == left));
        }
        let code = app(&secret, at(HOUR));
        let refused = meta.answer_challenge(&nobody(), token.expose(), Answer::Code(&code), at(HOUR)).await;
        assert!(matches!(refused, Err(ChallengeError::Expired)));
        // Wrong codes are failures of the name: begun again and again, challenges do not help a guesser.
        let slowed = meta.check_lockout("eve", at(HOUR)).await.unwrap();
        assert!(matches!(slowed, whodid_meta::Lockout::Wait(_)), "{slowed:?}");
    })
    .await;
}

#[tokio::test]
async fn while_a_name_is_suspended_no_answer_is_looked_at_not_even_a_right_one() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("Eve", &["reader"]).await;
        let (secret, codes) = set_up(&shop, &eve).await;
        let open = meta.begin_challenge(&eve, Method::Password, at(HOUR)).await.unwrap();
        for _ in 0..10 {
            let wrong = meta.check_second_factor(&actor("eve"), &eve, Answer::Code("000000"), at(HOUR)).await;
            assert_eq!(wrong.unwrap(), FactorCheck::Wrong);
        }
        shop.told().await;
        let until = at(HOUR + 15 * MINUTE);
        let code = app(&secret, at(HOUR));
        for answer in [Answer::Code(&code), Answer::Recovery(codes[0].expose()), Answer::Code("000000")] {
            let checked = meta.check_second_factor(&actor("eve"), &eve, answer, at(HOUR)).await.unwrap();
            assert_eq!(checked, FactorCheck::Locked(until));
            let refused = meta.answer_challenge(&nobody(), open.expose(), answer, at(HOUR)).await;
            assert!(matches!(refused, Err(ChallengeError::Locked { until: found }) if found == until));
        }
        assert_eq!((shop.told().await, meta.recovery_codes_left(&eve).await.unwrap()), (String::new(), 10));
        // Nothing was used up, and the challenge is still open.
        meta.unlock_user(&shop.admin(), &home(), &eve, at(HOUR)).await.unwrap();
        meta.answer_challenge(&nobody(), open.expose(), Answer::Code(&code), at(HOUR)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_user_has_five_open_challenges_and_the_oldest_go() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let bob = shop.user("bob", &["reader"]).await;
        let (_, codes) = set_up(&shop, &eve).await;
        let of_bob = meta.begin_challenge(&bob, Method::Password, at(0)).await.unwrap();
        let mut tokens = Vec::new();
        for begun in 1..=7 {
            tokens.push(meta.begin_challenge(&eve, Method::Password, at(begun)).await.unwrap());
        }
        let mut codes = codes.iter();
        let mut answer = async |token: &Secret| {
            let answer = Answer::Recovery(codes.next().unwrap().expose());
            meta.answer_challenge(&nobody(), token.expose(), answer, at(SECOND)).await
        };
        for (at, token) in tokens.iter().enumerate() {
            let answered = answer(token).await;
            assert_eq!(matches!(answered, Err(ChallengeError::Expired)), at < 2, "{at} {answered:?}");
            assert_eq!(answered.is_ok(), at >= 2, "{at}");
        }
        assert!(matches!(answer(&of_bob).await, Err(ChallengeError::WrongCode { .. })), "another user's stays");
    })
    .await;
}

#[tokio::test]
async fn a_lost_factor_is_removed_by_its_owner_or_the_home_account() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let (_, codes) = set_up(&shop, &eve).await;
        shop.told().await;
        meta.remove_totp(&actor("eve"), &eve, at(1)).await.unwrap();
        assert!(answer(meta, &eve, Answer::Recovery(codes[0].expose()), 2).await.is_err());
        assert!(matches!(meta.remove_totp(&actor("eve"), &eve, at(2)).await, Err(ChangeError::NotThere { .. })));
        assert!(matches!(meta.new_recovery_codes(&actor("eve"), &eve, at(2)).await, Err(ChangeError::NotThere { .. })));
        set_up(&shop, &eve).await;
        meta.reset_totp(&shop.admin(), &home(), &eve, at(3)).await.unwrap();
        assert_eq!(shop.told().await, "mfa.disable !mfa.authenticate mfa.enable mfa.disable");
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_was_begun_and_never_got_its_code_is_told_once_its_time_is_over() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        set_up(&shop, &eve).await;
        shop.meta.begin_challenge(&eve, Method::Password, at(HOUR)).await.unwrap();
        // One that was tried has told so already.
        assert!(answer(&shop.meta, &eve, Answer::Code("000000"), HOUR).await.is_err());
        shop.told().await;
        shop.meta.maintain(at(HOUR + MINUTE)).await.unwrap();
        assert_eq!(shop.told().await, "");
        shop.meta.maintain(at(2 * HOUR)).await.unwrap();
        let events = shop.events().await;
        let told: Vec<_> = events.iter().filter(|event| event["reason"]["policyId"] == "unanswered").collect();
        assert_eq!(told.len(), 1, "{events:?}");
        assert_eq!((&told[0]["action"], &told[0]["target"]["id"]), (&"whodid.mfa.authenticate".into(), &eve.into()));
        shop.meta.maintain(at(3 * HOUR)).await.unwrap();
        assert_eq!(shop.told().await, "");
    })
    .await;
}
