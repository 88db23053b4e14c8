//! Roles of an account's own, beside the built-in ones.

use serde_json::{Value as Json, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::access::PermissionSet;
use whodid_model::{AccountName, Timestamp};

use crate::people::{permission_names, permissions};
use crate::sql::{Tx, args, json_text};
use crate::text::{LABEL_CHARS_MAX, note, role_name};
use crate::{ChangeError, Meta, MetaError, secret};

/// Most roles of an account's own.
pub const ROLES_MAX: usize = 200;

/// A role of an account's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Stable id.
    pub id: String,
    /// Name by which it is bound: 1 to 40 of `[a-z0-9-]`; never changes.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits.
    pub permissions: PermissionSet,
    /// How many bindings give it.
    pub bindings: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What to change of a role; `None` keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// What it is for.
    pub description: Option<String>,
    /// What it permits.
    pub permissions: Option<PermissionSet>,
}

impl Meta {
    /// The account's own roles, in name order.
    pub async fn roles(&self, account: &AccountName) -> Result<Vec<Role>, MetaError> {
        load_roles(&mut self.read().await?, account).await
    }

    /// Makes a role.
    pub async fn create_role(
        &self,
        by: &Actor,
        account: &AccountName,
        name: &str,
        description: &str,
        permissions: PermissionSet,
        now: Timestamp,
    ) -> Result<Role, ChangeError> {
        let (name, description) = (role_name(name)?, note("description", description, LABEL_CHARS_MAX)?);
        let mut write = self.write(by, now).await?;
        let roles = load_roles(&mut write.tx, account).await?;
        if roles.len() >= ROLES_MAX {
            return Err(ChangeError::TooMany { max: ROLES_MAX as i64 });
        }
        if roles.iter().any(|role| role.name == name) {
            return Err(ChangeError::Taken { what: "role" });
        }
        let role = Role { id: secret::random_id()?, name, description, permissions, bindings: 0, created_at: now };
        let insert = "INSERT INTO roles (id, account, name, description, permissions, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let names = json_text(&permission_names(permissions));
        let args = args![&role.id, account, &role.name, &role.description, names, now];
        write.tx.run("making a role", insert, args).await?;
        let told =
            Told::success(Deed::RoleCreate, role.id.as_str(), role.name.as_str()).changed(None, Some(shown(&role)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(role)
    }

    /// Changes a role, at once for everybody who has it.
    pub async fn update_role(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        change: &RoleChange,
        now: Timestamp,
    ) -> Result<Role, ChangeError> {
        let mut write = self.write(by, now).await?;
        let roles = load_roles(&mut write.tx, account).await?;
        let old = roles.into_iter().find(|role| role.id == id).ok_or(ChangeError::NotThere { what: "role" })?;
        let mut new = old.clone();
        if let Some(description) = &change.description {
            new.description = note("description", description, LABEL_CHARS_MAX)?;
        }
        new.permissions = change.permissions.unwrap_or(old.permissions);
        if new == old {
            return Ok(old);
        }
        let update = "UPDATE roles SET description = $1, permissions = $2 WHERE id = $3";
        let args = args![&new.description, json_text(&permission_names(new.permissions)), id];
        write.tx.run("changing a role", update, args).await?;
        let told = Told::success(Deed::RoleUpdate, id, new.name.as_str()).changed(Some(shown(&old)), Some(shown(&new)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(new)
    }

    /// Deletes a role that nobody has.
    pub async fn delete_role(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let roles = load_roles(&mut write.tx, account).await?;
        let role = roles.into_iter().find(|role| role.id == id).ok_or(ChangeError::NotThere { what: "role" })?;
        if role.bindings > 0 {
            return Err(ChangeError::RoleInUse { bindings: role.bindings });
        }
        write.tx.run("deleting a role", "DELETE FROM roles WHERE id = $1", args![id]).await?;
        let told = Told::success(Deed::RoleDelete, id, role.name.as_str()).changed(Some(shown(&role)), None);
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(())
    }
}

fn shown(role: &Role) -> Json {
    // As an object, so that a patch names which permission came or went.
    let names = permission_names(role.permissions).into_iter();
    let permissions: serde_json::Map<String, Json> = names.map(|name| (name.to_owned(), true.into())).collect();
    json!({"name": role.name, "description": role.description, "permissions": permissions})
}

pub(crate) async fn load_roles(tx: &mut Tx, account: &AccountName) -> Result<Vec<Role>, MetaError> {
    let select = "SELECT r.id, r.name, r.description, r.permissions, r.created_at,
        (SELECT count(*) FROM bindings b WHERE b.account = r.account AND b.role = r.name)
        FROM roles r WHERE r.account = $1 ORDER BY r.name";
    let rows = tx.rows("reading roles", select, args![account]).await?;
    let mut roles = Vec::with_capacity(rows.len());
    for row in rows {
        let names: Vec<String> = row.json(3)?;
        roles.push(Role {
            id: row.text(0)?,
            name: row.text(1)?,
            description: row.text(2)?,
            permissions: permissions(&names),
            bindings: row.int(5)?,
            created_at: row.time(4)?,
        });
    }
    Ok(roles)
}
