//! People of an identity provider.

use whodid_meta::{ChangeError, Device, KeyPlan, Method, NewBinding, OidcUser, RoleGrant, Source, Subject};

use crate::place::{Place, at, home, nobody, on_both};

fn told(subject: &str, name: &str, roles: &[&str]) -> OidcUser {
    OidcUser {
        issuer: "https://idp.example".to_owned(),
        subject: subject.to_owned(),
        name: name.to_owned(),
        display_name: String::new(),
        account: home(),
        roles: roles.iter().map(|role| RoleGrant::whole(*role)).collect(),
    }
}

#[tokio::test]
async fn somebody_new_is_made_and_later_sign_ins_bring_names_and_roles_up_to_date() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let by = nobody();
        let eve = meta.sign_in_oidc(&by, &told("s1", "eve", &["reader", "reader"]), at(0)).await.unwrap();
        assert_eq!(shop.told().await, "user.create role-binding.create");
        let roles = async || {
            let view = meta.user(&home(), &eve, at(1)).await.unwrap().unwrap();
            assert_eq!(view.user.source, Source::Oidc);
            view.roles.into_iter().map(|role| role.binding.role).collect::<Vec<_>>()
        };
        assert_eq!(roles().await, ["reader"]);
        let manual = whodid_meta::NewBinding::whole(whodid_meta::Subject::User(eve.clone()), "member");
        meta.create_binding(&shop.admin(), &home(), &manual, at(1)).await.unwrap();
        shop.told().await;
        assert_eq!(meta.sign_in_oidc(&by, &told("s1", "Eve", &["auditor"]), at(2)).await.unwrap(), eve);
        assert_eq!(shop.told().await, "user.update role-binding.delete role-binding.create");
        assert_eq!(roles().await, ["member", "auditor"], "what somebody gave by hand stays");
        meta.sign_in_oidc(&by, &told("s1", "Eve", &["auditor"]), at(3)).await.unwrap();
        assert_eq!(shop.told().await, "");
        meta.remove_user(&shop.admin(), &home(), &eve, at(4)).await.unwrap();
        meta.sign_in_oidc(&by, &told("s1", "Eve", &["auditor"]), at(5)).await.unwrap();
        assert_eq!(roles().await, ["auditor"]);
        meta.disable_user(&shop.admin(), &home(), &eve, at(6)).await.unwrap();
        let refused = meta.sign_in_oidc(&by, &told("s1", "Eve", &["auditor"]), at(7)).await;
        assert!(matches!(refused, Err(ChangeError::NotThere { what: "user" })));
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_in_use_is_not_taken_over() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        shop.user("eve", &["administrator"]).await;
        let refused = shop.meta.sign_in_oidc(&nobody(), &told("s1", "EVE", &["reader"]), at(0)).await;
        assert!(matches!(refused, Err(ChangeError::Taken { what: "user" })));
        shop.meta.sign_in_oidc(&nobody(), &told("s1", "bob", &[]), at(0)).await.unwrap();
        let renamed = shop.meta.sign_in_oidc(&nobody(), &told("s1", "eve", &[]), at(0)).await;
        assert!(matches!(renamed, Err(ChangeError::Taken { what: "user" })));
    })
    .await;
}

#[tokio::test]
async fn who_has_no_role_any_more_loses_what_the_provider_gave_in_the_account() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let (by, issuer) = (nobody(), "https://idp.example");
        let other = shop.other("other").await;
        let eve = meta.sign_in_oidc(&by, &told("s1", "eve", &["reader", "auditor"]), at(0)).await.unwrap();
        let elsewhere = OidcUser { account: other.clone(), ..told("s1", "eve", &["reader"]) };
        meta.sign_in_oidc(&by, &elsewhere, at(0)).await.unwrap();
        let manual = NewBinding::whole(Subject::User(eve.clone()), "member");
        meta.create_binding(&shop.admin(), &home(), &manual, at(1)).await.unwrap();
        let begun = meta.begin_session(&by, &eve, &Device::default(), Method::Oidc, false, at(1)).await.unwrap();
        let plan = KeyPlan::personal(eve.as_str(), "laptop");
        let token = meta.create_key(&shop.admin(), &home(), &plan, at(1)).await.unwrap();
        let stays = meta.create_key(&shop.admin(), &other, &plan, at(1)).await.unwrap();
        shop.told().await;
        for (issuer, subject) in [(issuer, "s2"), ("https://other.example", "s1")] {
            assert!(!meta.forget_oidc(&by, issuer, subject, &home(), at(2)).await.unwrap());
        }
        assert_eq!(shop.told().await, "");
        assert!(meta.forget_oidc(&by, issuer, "s1", &home(), at(2)).await.unwrap());
        assert_eq!(
            shop.told().await,
            "role-binding.delete role-binding.delete session.delete session.delete@other personal-token.delete"
        );
        let view = meta.user(&home(), &eve, at(2)).await.unwrap().unwrap();
        assert_eq!(view.roles.iter().map(|role| role.binding.role.as_str()).collect::<Vec<_>>(), ["member"]);
        assert_eq!(meta.user(&other, &eve, at(2)).await.unwrap().unwrap().roles.len(), 1);
        assert!(meta.session(begun.secret.expose(), at(2)).await.is_err());
        assert!(meta.authenticate(token.secret.expose(), "", at(2)).await.is_err());
        meta.authenticate(stays.secret.expose(), "", at(2)).await.unwrap();
        assert!(meta.forget_oidc(&by, issuer, "s1", &home(), at(3)).await.unwrap());
        assert_eq!(shop.told().await, "", "nothing is left to take");
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_is_not_forgotten() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let by = nobody();
        let eve = meta.sign_in_oidc(&by, &told("s1", "eve", &["administrator"]), at(0)).await.unwrap();
        let begun = meta.begin_session(&by, &eve, &Device::default(), Method::Oidc, false, at(1)).await.unwrap();
        meta.remove_user(&shop.admin(), &home(), &shop.made.user.id, at(1)).await.unwrap();
        shop.told().await;
        let refused = meta.forget_oidc(&by, "https://idp.example", "s1", &home(), at(2)).await;
        assert!(matches!(refused, Err(ChangeError::LastAdministrator { .. })));
        assert_eq!(shop.told().await, "");
        meta.session(begun.secret.expose(), at(2)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_signs_in_with_the_provider_gets_no_password() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.meta.sign_in_oidc(&nobody(), &told("s1", "eve", &[]), at(0)).await.unwrap();
        shop.told().await;
        let refused = shop.meta.create_password_reset(&shop.admin(), &home(), &eve, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Invalid { member: "user", .. })));
        assert_eq!(shop.told().await, "");
    })
    .await;
}

#[tokio::test]
async fn the_same_subject_of_another_issuer_is_another_person() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let by = nobody();
        let eve = shop.meta.sign_in_oidc(&by, &told("s1", "eve", &["reader"]), at(0)).await.unwrap();
        let elsewhere = |name: &str| OidcUser {
            issuer: "https://other.example".to_owned(),
            ..told("s1", name, &["administrator"])
        };
        let other = shop.meta.sign_in_oidc(&by, &elsewhere("mallory"), at(1)).await.unwrap();
        assert_ne!(other, eve);
        // Nor is the name a way to be somebody else.
        let taken = shop.meta.sign_in_oidc(&by, &elsewhere("eve"), at(2)).await;
        assert!(matches!(taken, Err(ChangeError::Taken { .. })), "{taken:?}");
        let view = shop.meta.user(&home(), &eve, at(3)).await.unwrap().unwrap();
        assert_eq!(view.roles.len(), 1);
        assert_eq!(view.roles[0].binding.role, "reader");
    })
    .await;
}
