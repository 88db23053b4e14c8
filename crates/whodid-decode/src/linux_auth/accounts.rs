//! The tools that change users, groups and passwords: shadow's `useradd` and its like.

use whodid_model::{Field, Outcome};

use super::{Deed, Reading, deed, quoted};

pub(super) fn read<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let program = reading.program.clone();
    match program.as_ref() {
        "useradd" | "usermod" | "userdel" | "adduser" | "deluser" | "newusers" | "groupadd" | "groupmod"
        | "groupdel" | "gpasswd" | "groupmems" => {
            read_new(said, reading).or_else(|| read_member(said, reading)).or_else(|| read_change(said, reading))
        }
        "passwd" | "chpasswd" | "chage" | "chfn" | "chsh" => read_password(said, reading),
        _ => None,
    }
}

/// `new user: name=alice, UID=1001, …`, `new group: name=dev, GID=1010`.
fn read_new<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (action, kind, rest) = [
        ("user.create", "user", "new user: "),
        ("group.create", "group", "new group: "),
        // The same deed once more, of one file.
        ("group.entry.add", "group", "group added to "),
    ]
    .into_iter()
    .find_map(|(action, kind, start)| Some((action, kind, said.strip_prefix(start)?)))?;
    let rest = rest.split_once("name=").map_or(rest, |(_, rest)| rest);
    let mut parts = rest.split(", ");
    reading.target(kind, parts.next()?);
    for part in parts {
        match part.split_once('=') {
            Some(("UID", uid)) => {
                reading.put(Field::TargetId, uid);
                reading.number("uid", uid);
            }
            Some(("GID", gid)) => {
                if kind == "group" {
                    reading.put(Field::TargetId, gid);
                }
                reading.number("gid", gid);
            }
            Some(("home", folder)) => reading.detail("home", folder),
            Some(("shell", shell)) => reading.detail("shell", shell),
            Some(("from", from)) => reading.detail("from", from),
            _ => {}
        }
    }
    deed(action, "create", Outcome::Success)
}

/// Who is put into a group or taken out of it. The user is the target, as in every source.
fn read_member<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    // `user alice added by root to group dev`
    if let Some(rest) = said.strip_prefix("user ") {
        let (user, verb, rest) = [" added by ", " removed by "].iter().find_map(|verb| {
            let (user, rest) = rest.split_once(verb)?;
            Some((user, *verb, rest))
        })?;
        let is_added = verb == " added by ";
        let (caller, group) = rest.split_once(if is_added { " to group " } else { " from group " })?;
        reading.put(Field::InitiatorName, caller);
        return membership(user, group, is_added, false, reading);
    }
    // `add 'alice' to shadow group 'sudo'`
    let (rest, is_added) = match said.strip_prefix("add ") {
        Some(rest) => (rest, true),
        None => (said.strip_prefix("delete ").or_else(|| said.strip_prefix("remove "))?, false),
    };
    let (user, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(if is_added { " to " } else { " from " })?;
    let (rest, is_shadow) = rest.strip_prefix("shadow ").map_or((rest, false), |rest| (rest, true));
    let (group, _) = quoted(rest.strip_prefix("group ")?)?;
    membership(user, group, is_added, is_shadow, reading)
}

fn membership<'a>(
    user: &'a str,
    group: &'a str,
    is_added: bool,
    is_shadow: bool,
    reading: &mut Reading<'a, '_>,
) -> Option<Deed<'a>> {
    reading.target("user", user);
    reading.detail("group", group);
    // Each membership is told twice, the second time of the file with the groups' passwords.
    match (is_added, is_shadow) {
        (true, false) => deed("group.member.add", "create", Outcome::Success),
        (true, true) => deed("group.shadow.member.add", "create", Outcome::Success),
        (false, false) => deed("group.member.remove", "delete", Outcome::Success),
        (false, true) => deed("group.shadow.member.remove", "delete", Outcome::Success),
    }
}

/// Whatever else is done to a user or a group.
fn read_change<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    const CHANGES: &[(&str, &str, &str, &str)] = &[
        ("delete user ", "user", "user.delete", "delete"),
        ("removed group ", "group", "group.delete", "delete"),
        ("remove group ", "group", "group.delete", "delete"),
        ("removed shadow group ", "group", "group.shadow.delete", "delete"),
        ("lock user ", "user", "user.lock", "disable"),
        ("unlock user ", "user", "user.unlock", "enable"),
        ("change user name ", "user", "user.rename", "update"),
        ("change user ", "user", "user.update", "update"),
        ("changed user ", "user", "user.update", "update"),
    ];
    if let Some(user) = said.strip_prefix("failed adding user ") {
        reading.target("user", quoted(user)?.0);
        reading.put(Field::ReasonText, said);
        return deed("user.create", "create", Outcome::Failure);
    }
    for (start, kind, action, cadf_action) in CHANGES {
        let Some((name, rest)) = said.strip_prefix(start).and_then(quoted) else { continue };
        reading.target(kind, name);
        let action = if *action == "user.update" && rest == " password" { "user.password.update" } else { action };
        return deed(action, cadf_action, Outcome::Success);
    }
    // `group 'dev' removed`, and of each file: `group 'dev' removed from /etc/group`
    if let Some((name, rest)) = said.strip_prefix("group ").and_then(quoted) {
        let (action, cadf_action) = match rest {
            " removed" => ("group.delete", "delete"),
            _ if rest.starts_with(" removed from ") => ("group.entry.remove", "delete"),
            _ => return None,
        };
        reading.target("group", name);
        return deed(action, cadf_action, Outcome::Success);
    }
    if let Some(rest) = said.strip_prefix("group changed in ") {
        let (_, rest) = rest.split_once("(group ")?;
        reading.target("group", rest.split(['/', ',', ')']).next()?);
        return deed("group.update", "update", Outcome::Success);
    }
    // `members of group dev set by root to alice,bob`
    let (group, rest) = said.strip_prefix("members of group ")?.split_once(" set by ")?;
    let (caller, members) = rest.split_once(" to ")?;
    reading.put(Field::InitiatorName, caller);
    reading.target("group", group);
    reading.detail("members", members);
    deed("group.member.update", "update", Outcome::Success)
}

fn read_password<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    // `password for 'dave' changed by 'root'`
    if let Some((user, rest)) = said.strip_prefix("password for ").and_then(quoted) {
        reading.target("user", user);
        if let Some((caller, _)) = rest.strip_prefix(" changed by ").and_then(quoted) {
            reading.put(Field::InitiatorName, caller);
        }
        return deed("user.password.update", "update", Outcome::Success);
    }
    if let Some(user) = said.strip_prefix("changed password expiry for ") {
        reading.target("user", user);
        return deed("user.password.expiry.update", "update", Outcome::Success);
    }
    let (user, _) = said.strip_prefix("changed user ").and_then(quoted)?;
    reading.target("user", user);
    deed("user.update", "update", Outcome::Success)
}
