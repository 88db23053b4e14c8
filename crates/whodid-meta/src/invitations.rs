//! Inviting people into an account.

use serde_json::{Value as Json, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::access::BuiltInRole;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{NewBinding, Origin, RoleGrant, Subject, check_grant};
use crate::password::HashedPassword;
use crate::secret::{self, Secret, TOKEN_BYTES};
use crate::sql::{Row, Tx, args, json_text};
use crate::text::{LABEL_CHARS_MAX, folded, label, user_name};
use crate::user_changes::NewUser;
use crate::users::Source;
use crate::write::Write;
use crate::{ChangeError, LinkError, Meta, MetaError};

/// How long an invitation can be accepted, in microseconds.
pub const INVITATION_VALID_MICROS: i64 = 7 * MICROS_A_DAY;
/// Most open invitations of one account.
pub const INVITATIONS_MAX: usize = 1_000;

/// Most roles, and most groups, of one invitation.
const GIVEN_MAX: usize = 100;

/// Whom to invite, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// What they will sign in with.
    pub name: String,
    /// How they will be shown.
    pub display_name: String,
    /// Roles they get.
    pub roles: Vec<RoleGrant>,
    /// Ids of groups they join.
    pub groups: Vec<String>,
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Stable id, not secret.
    pub id: String,
    /// Whom it is for, and to what.
    pub invite: Invite,
    /// When it was made.
    pub created_at: Timestamp,
    /// Id of who made it.
    pub created_by: String,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// Who accepts an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// Somebody new, with a password where those open sessions.
    New {
        /// The password, checked and hashed.
        password: Option<HashedPassword>,
        /// How they want to be shown; `None` or blank: as the invitation says.
        display_name: Option<String>,
    },
    /// A user of the invited name who has signed in.
    Existing {
        /// Their id.
        user: String,
    },
}

impl Meta {
    /// Invites somebody. Whether the name exists elsewhere in the installation is not told.
    pub async fn invite(
        &self,
        by: &Actor,
        account: &AccountName,
        invite: &Invite,
        now: Timestamp,
    ) -> Result<(Invitation, Secret), ChangeError> {
        if invite.roles.len() > GIVEN_MAX || invite.groups.len() > GIVEN_MAX {
            return Err(ChangeError::TooMany { max: GIVEN_MAX as i64 });
        }
        let name = user_name(&invite.name)?;
        let shown_as = if invite.display_name.trim().is_empty() { &name } else { &invite.display_name };
        let display_name = label("display_name", shown_as, LABEL_CHARS_MAX.max(name.chars().count()))?;
        let (roles, groups) = (each_once(&invite.roles), each_once(&invite.groups));
        let invite = Invite { name, display_name, roles, groups };
        let mut write = self.write(by, now).await?;
        let select = "SELECT 1 FROM users u JOIN memberships m ON m.user_id = u.id
            WHERE u.folded = $1 AND m.account = $2";
        let args = args![folded(&invite.name), account];
        if write.tx.row("looking for a member", select, args).await?.is_some() {
            return Err(ChangeError::AlreadyMember);
        }
        for role in &invite.roles {
            check_grant(&mut write.tx, account, role).await?;
        }
        for group in &invite.groups {
            crate::groups::must_be_of(&mut write.tx, account, group).await?;
        }
        if load_invitations(&mut write.tx, account).await?.len() >= INVITATIONS_MAX {
            return Err(ChangeError::TooMany { max: INVITATIONS_MAX as i64 });
        }
        let token = secret::random_text(TOKEN_BYTES)?;
        let invitation = Invitation {
            id: secret::random_id()?,
            invite,
            created_at: now,
            created_by: write.maker(),
            expires_at: now.plus_micros(INVITATION_VALID_MICROS),
        };
        let insert = "INSERT INTO invitations (id, hash, account, name, folded, display_name, bindings, group_ids,
            created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let args = args![
            &invitation.id,
            secret::hash(&token),
            account,
            &invitation.invite.name,
            folded(&invitation.invite.name),
            &invitation.invite.display_name,
            json_text(&invitation.invite.roles),
            json_text(&invitation.invite.groups),
            now,
            &invitation.created_by,
            invitation.expires_at,
        ];
        write.tx.run("inviting", insert, args).await?;
        let told = Told::success(Deed::InvitationCreate, invitation.id.as_str(), invitation.invite.name.as_str())
            .changed(None, Some(shown(&invitation)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok((invitation, Secret::new(token)))
    }

    /// The open invitations of an account, newest first, expired ones too until they are dropped.
    pub async fn invitations(&self, account: &AccountName) -> Result<Vec<Invitation>, MetaError> {
        load_invitations(&mut self.read().await?, account).await
    }

    /// Takes an invitation back.
    pub async fn delete_invitation(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let open = load_invitations(&mut write.tx, account).await?;
        let found = open.into_iter().find(|invitation| invitation.id == id);
        let invitation = found.ok_or(ChangeError::NotThere { what: "invitation" })?;
        write.take_back(account, &invitation).await?;
        write.commit().await?;
        Ok(())
    }

    /// Accepts an invitation; the user's id. Who would get only roles that were deleted since gets `member`. Of any number of racing calls one succeeds.
    pub async fn accept_invitation(
        &self,
        by: &Actor,
        token: &str,
        accept: &Accept,
        now: Timestamp,
    ) -> Result<String, LinkError> {
        let hash = secret::hash(token);
        // A guess is found out by reading: it must not take the one writer's place from others.
        let select = "SELECT 1 FROM invitations WHERE hash = $1 AND expires_at > $2";
        self.db().row("looking for an invitation", select, args![hash, now]).await?.ok_or(LinkError::Expired)?;
        let mut write = self.write(by, now).await?;
        let select = "SELECT id, name, display_name, bindings, group_ids, created_at, created_by, expires_at, account
            FROM invitations WHERE hash = $1 AND expires_at > $2";
        let row = write.tx.row("accepting an invitation", select, args![hash, now]).await?;
        let row = row.ok_or(LinkError::Used)?;
        let (invitation, account) = (invitation(&row)?, row.account(8)?);
        let invite = &invitation.invite;
        let user = match accept {
            Accept::New { password, display_name } => {
                let own = display_name.as_deref().filter(|own| !own.trim().is_empty());
                let own = own.map(|own| label("display_name", own, LABEL_CHARS_MAX)).transpose()?;
                let new = NewUser {
                    name: &invite.name,
                    display_name: own.as_deref().unwrap_or(&invite.display_name),
                    home: &account,
                    is_operator: false,
                    source: Source::Local,
                    holds_link: true,
                };
                let user = write.insert_user(&new).await?;
                if let Some(password) = password {
                    write.store_password(&user, password).await?;
                }
                user
            }
            Accept::Existing { user } => {
                let found = crate::users::load_user(&mut write.tx, user).await?;
                if folded(&found.name) != folded(&invite.name) || found.disabled_at.is_some() {
                    return Err(ChangeError::NotThere { what: "user" }.into());
                }
                write.join(user, &account).await?;
                user.clone()
            }
        };
        let mut was_given = invite.roles.is_empty();
        for grant in &invite.roles {
            // A role that was deleted since is nothing to give.
            match check_grant(&mut write.tx, &account, grant).await {
                Ok(()) => {
                    let binding = NewBinding { subject: Subject::User(user.clone()), grant: grant.clone() };
                    match write.bind(&account, &binding, Origin::Manual).await {
                        // An older invitation may hold a role twice.
                        Ok(_) | Err(ChangeError::Already { .. }) => was_given = true,
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error @ ChangeError::Meta(_)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        if !was_given {
            // Whoever was to have some right is not left without any.
            let member = NewBinding::whole(Subject::User(user.clone()), BuiltInRole::Member.as_str());
            write.bind(&account, &member, Origin::Manual).await?;
        }
        write.join_groups(&account, &user, &invite.groups).await?;
        // Every invitation of this name into the account is answered by it.
        let delete = "DELETE FROM invitations WHERE account = $1 AND folded = $2";
        write.tx.run("accepting an invitation", delete, args![&account, folded(&invite.name)]).await?;
        let told = Told::success(Deed::InvitationAccept, invitation.id.as_str(), invite.name.as_str())
            .asked("invitedBy", invitation.created_by.as_str())
            .answered("userId", user.as_str())
            .changed(Some(json!({"state": "open"})), Some(json!({"state": "accepted", "user": user})));
        write.tell(&account, &told).await?;
        write.commit().await?;
        Ok(user)
    }
}

impl Write<'_> {
    /// Takes back the open invitations into an account that somebody made: who invites gives rights, and is to be one
    /// who may.
    pub(crate) async fn take_back_invitations_by(
        &mut self,
        account: &AccountName,
        maker: &str,
    ) -> Result<(), MetaError> {
        for invitation in load_invitations(&mut self.tx, account).await? {
            if invitation.created_by == maker && invitation.expires_at > self.now {
                self.take_back(account, &invitation).await?;
            }
        }
        Ok(())
    }

    async fn take_back(&mut self, account: &AccountName, invitation: &Invitation) -> Result<(), MetaError> {
        let (doing, id) = ("taking an invitation back", invitation.id.as_str());
        self.tx.run(doing, "DELETE FROM invitations WHERE id = $1", args![id]).await?;
        let told = Told::success(Deed::InvitationDelete, id, invitation.invite.name.as_str())
            .changed(Some(shown(invitation)), None);
        self.tell(account, &told).await
    }
}

/// In the order of the first of each.
fn each_once<T: Clone + PartialEq>(all: &[T]) -> Vec<T> {
    let mut once: Vec<T> = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(one) {
            once.push(one.clone());
        }
    }
    once
}

fn shown(invitation: &Invitation) -> Json {
    let invite = &invitation.invite;
    json!({
        "name": invite.name,
        "display_name": invite.display_name,
        "roles": invite.roles,
        "groups": invite.groups,
        "expires_at": invitation.expires_at.to_string(),
    })
}

async fn load_invitations(tx: &mut Tx, account: &AccountName) -> Result<Vec<Invitation>, MetaError> {
    let select = "SELECT id, name, display_name, bindings, group_ids, created_at, created_by, expires_at
        FROM invitations WHERE account = $1 ORDER BY created_at DESC, id";
    let rows = tx.rows("reading invitations", select, args![account]).await?;
    rows.iter().map(invitation).collect()
}

fn invitation(row: &Row) -> Result<Invitation, MetaError> {
    let invite = Invite { name: row.text(1)?, display_name: row.text(2)?, roles: row.json(3)?, groups: row.json(4)? };
    Ok(Invitation {
        id: row.text(0)?,
        invite,
        created_at: row.time(5)?,
        created_by: row.text(6)?,
        expires_at: row.time(7)?,
    })
}
