//! Groups of an account's members, which get roles together.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{Subject, load_bindings};
use crate::sql::{Tx, args};
use crate::text::{group_name, note};
use crate::write::Write;
use crate::{ChangeError, Meta, MetaError, secret};

/// Longest description of a group, in characters.
const NOTE_CHARS_MAX: usize = 500;
/// Most groups of one account.
pub const GROUPS_MAX: usize = 1_000;

/// Some members of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Stable id.
    pub id: String,
    /// Readable name, unique in the account.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Ids of its members.
    pub members: BTreeSet<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What to change of a group; `None` keeps it. Who comes and goes is said, and not who is in it afterwards: what
/// somebody else changes meanwhile stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// Readable name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Ids of who joins; whoever is in it already stays.
    pub add: BTreeSet<String>,
    /// Ids of who leaves; whoever is not in it is no error.
    pub remove: BTreeSet<String>,
}

impl Meta {
    /// The groups of an account, in name order.
    pub async fn groups(&self, account: &AccountName) -> Result<Vec<Group>, MetaError> {
        load_groups(&mut self.read().await?, account).await
    }

    /// Makes a group.
    pub async fn create_group(
        &self,
        by: &Actor,
        account: &AccountName,
        name: &str,
        description: &str,
        members: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Group, ChangeError> {
        let (name, description) = (group_name(name)?, note("description", description, NOTE_CHARS_MAX)?);
        let mut write = self.write(by, now).await?;
        let groups = load_groups(&mut write.tx, account).await?;
        if groups.len() >= GROUPS_MAX {
            return Err(ChangeError::TooMany { max: GROUPS_MAX as i64 });
        }
        if groups.iter().any(|group| group.name == name) {
            return Err(ChangeError::Taken { what: "group" });
        }
        let group = Group { id: secret::random_id()?, name, description, members: members.clone(), created_at: now };
        let insert = "INSERT INTO user_groups (id, account, name, description, created_at) VALUES ($1, $2, $3, $4, $5)";
        write.tx.run("making a group", insert, args![&group.id, account, &group.name, &group.description, now]).await?;
        write.set_members(account, &group.id, &BTreeSet::new(), members).await?;
        let told =
            Told::success(Deed::GroupCreate, group.id.as_str(), group.name.as_str()).changed(None, Some(shown(&group)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(group)
    }

    /// Changes a group.
    pub async fn update_group(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        change: &GroupChange,
        now: Timestamp,
    ) -> Result<Group, ChangeError> {
        if !change.add.is_disjoint(&change.remove) {
            return Err(ChangeError::invalid("remove", "nobody joins and leaves at once"));
        }
        let mut write = self.write(by, now).await?;
        let groups = load_groups(&mut write.tx, account).await?;
        let old = groups.iter().find(|group| group.id == id).ok_or(ChangeError::NotThere { what: "group" })?;
        let mut new = old.clone();
        if let Some(name) = &change.name {
            new.name = group_name(name)?;
        }
        if let Some(description) = &change.description {
            new.description = note("description", description, NOTE_CHARS_MAX)?;
        }
        new.members = old.members.union(&change.add).filter(|id| !change.remove.contains(*id)).cloned().collect();
        if new == *old {
            return Ok(new);
        }
        if groups.iter().any(|group| group.id != id && group.name == new.name) {
            return Err(ChangeError::Taken { what: "group" });
        }
        let update = "UPDATE user_groups SET name = $1, description = $2 WHERE id = $3";
        write.tx.run("changing a group", update, args![&new.name, &new.description, id]).await?;
        write.set_members(account, id, &old.members, &new.members).await?;
        write.guard_administrators(account).await?;
        let told = Told::success(Deed::GroupUpdate, id, new.name.as_str()).changed(Some(shown(old)), Some(shown(&new)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(new)
    }

    /// Deletes a group with its role bindings.
    pub async fn delete_group(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let groups = load_groups(&mut write.tx, account).await?;
        let group = groups.iter().find(|group| group.id == id).ok_or(ChangeError::NotThere { what: "group" })?;
        for binding in load_bindings(&mut write.tx, account).await? {
            if binding.subject == Subject::Group(id.to_owned()) {
                write.unbind(account, &binding).await?;
            }
        }
        write.tx.run("deleting a group", "DELETE FROM user_groups WHERE id = $1", args![id]).await?;
        write.guard_administrators(account).await?;
        let told = Told::success(Deed::GroupDelete, id, group.name.as_str()).changed(Some(shown(group)), None);
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(())
    }
}

impl Write<'_> {
    async fn set_members(
        &mut self,
        account: &AccountName,
        group: &str,
        old: &BTreeSet<String>,
        new: &BTreeSet<String>,
    ) -> Result<(), ChangeError> {
        for user in new.difference(old) {
            crate::users::must_be_member(&mut self.tx, account, user).await?;
            let insert = "INSERT INTO group_members (group_id, user_id) VALUES ($1, $2)";
            self.tx.run("changing a group", insert, args![group, user]).await?;
        }
        for user in old.difference(new) {
            let delete = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2";
            self.tx.run("changing a group", delete, args![group, user]).await?;
        }
        Ok(())
    }

    /// Puts a user into groups, and records it.
    pub(crate) async fn join_groups(
        &mut self,
        account: &AccountName,
        user: &str,
        groups: &[String],
    ) -> Result<(), ChangeError> {
        for group in load_groups(&mut self.tx, account).await? {
            // A group that was deleted since the invitation is nothing to join.
            if groups.contains(&group.id) && !group.members.contains(user) {
                let mut members = group.members.clone();
                members.insert(user.to_owned());
                self.change_members(account, &group, members).await?;
            }
        }
        Ok(())
    }

    /// Takes a user out of every group of an account, and records it.
    pub(crate) async fn leave_groups(&mut self, account: &AccountName, user: &str) -> Result<(), ChangeError> {
        for group in load_groups(&mut self.tx, account).await? {
            let mut members = group.members.clone();
            if members.remove(user) {
                self.change_members(account, &group, members).await?;
            }
        }
        Ok(())
    }

    async fn change_members(
        &mut self,
        account: &AccountName,
        group: &Group,
        members: BTreeSet<String>,
    ) -> Result<(), ChangeError> {
        self.set_members(account, &group.id, &group.members, &members).await?;
        let after = Group { members, ..group.clone() };
        let told = Told::success(Deed::GroupUpdate, group.id.as_str(), group.name.as_str())
            .changed(Some(shown(group)), Some(shown(&after)));
        self.tell(account, &told).await?;
        Ok(())
    }
}

fn shown(group: &Group) -> Json {
    // Members as an object: a patch then names who came and went, whatever the order.
    let members: serde_json::Map<String, Json> = group.members.iter().map(|id| (id.clone(), true.into())).collect();
    json!({"name": group.name, "description": group.description, "members": members})
}

pub(crate) async fn load_groups(tx: &mut Tx, account: &AccountName) -> Result<Vec<Group>, MetaError> {
    let select = "SELECT m.group_id, m.user_id FROM group_members m JOIN user_groups g ON g.id = m.group_id
        WHERE g.account = $1";
    let mut members: HashMap<String, BTreeSet<String>> = HashMap::new();
    for row in tx.rows("reading groups", select, args![account]).await? {
        members.entry(row.text(0)?).or_default().insert(row.text(1)?);
    }
    let select = "SELECT id, name, description, created_at FROM user_groups WHERE account = $1 ORDER BY name";
    let mut groups = Vec::new();
    for row in tx.rows("reading groups", select, args![account]).await? {
        let id = row.text(0)?;
        let members = members.remove(&id).unwrap_or_default();
        let (name, description) = (row.text(1)?, row.text(2)?);
        groups.push(Group { id, name, description, members, created_at: row.time(3)? });
    }
    Ok(groups)
}

pub(crate) async fn must_be_of(tx: &mut Tx, account: &AccountName, id: &str) -> Result<(), ChangeError> {
    let select = "SELECT 1 FROM user_groups WHERE id = $1 AND account = $2";
    let row = tx.row("looking for a group", select, args![id, account]).await?;
    row.map(drop).ok_or(ChangeError::NotThere { what: "group" })
}
