//! Lines of authentication logs: that none is lost, whatever stands beside it, and that whatever a line holds is read.

use proptest::prelude::*;
use whodid_decode::{EVENT_BYTES_MAX, Format, Item, decode};
use whodid_model::{Field, RejectCode, Timestamp};

const BEFORE: &str = "Jan  5 09:00:00 gate1 sshd[1]: Failed password for mara from 192.0.2.61 port 4 ssh2";
const AFTER: &str =
    "<86>1 2026-01-05T09:00:01Z gate1 sshd 2 - - Accepted password for mara from 192.0.2.21 port 5 ssh2";

fn read(format: Format, body: &[u8]) -> Vec<Item<'_>> {
    decode(format, body, Timestamp::parse("2026-01-05T13:00:00Z").unwrap().at)
}

fn field(item: &Item<'_>, field: Field) -> Option<String> {
    item.event.as_ref().ok()?.fields.get(field).map(str::to_owned)
}

/// Between two lines there is `middle`; gives what it became.
fn check_between(format: Format, middle: &[u8]) -> usize {
    let body = [BEFORE.as_bytes(), b"\n", middle, b"\n", AFTER.as_bytes()].concat();
    let items = read(format, &body);
    let (first, last) = (items.first().unwrap(), items.last().unwrap());
    assert_eq!((first.raw, last.raw), (BEFORE.as_bytes(), AFTER.as_bytes()));
    let outcome = |item| field(item, Field::Outcome);
    assert_eq!((outcome(first).as_deref(), outcome(last).as_deref()), (Some("failure"), Some("success")));
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item.index, index);
        assert!(!matches!(&item.event, Err(reject) if reject.code == RejectCode::DecoderFailed), "{middle:?}");
    }
    items.len() - 2
}

#[test]
fn nothing_between_two_lines_reaches_over_them() {
    for format in [Format::Auto, Format::LinuxAuth] {
        // Lists that were cut off before their first event.
        for middle in ["[", "{\"Records\":["] {
            assert_eq!(check_between(format, middle.as_bytes()), 0, "{middle}");
        }
        for middle in ["[{", "{\"a\":", "{\"a\":[", "[{\"action\":\"a\"},", "\"", "x", "<300>x", "2026-01-05T", "Jan"] {
            assert_eq!(check_between(format, middle.as_bytes()), 1, "{middle}");
        }
        assert_eq!(check_between(format, b""), 0);
        assert_eq!(check_between(format, b"\xff\xfe"), 1);
    }
}

#[test]
fn a_line_that_is_too_long_or_no_text_is_one_reject() {
    let long = format!("{BEFORE}{}", "x".repeat(EVENT_BYTES_MAX));
    let mut broken = BEFORE.as_bytes().to_vec();
    broken.push(0xff);
    for (middle, code) in [(long.as_bytes(), RejectCode::TooLarge), (&broken, RejectCode::NotUtf8)] {
        assert_eq!(check_between(Format::Auto, middle), 1);
        assert_eq!(read(Format::Auto, middle)[0].event.as_ref().unwrap_err().code, code);
    }
}

#[test]
fn the_raw_text_is_the_line() {
    let body = format!("\u{feff}{BEFORE}\r\n\n  {AFTER} \n");
    let raws: Vec<&[u8]> = read(Format::Auto, body.as_bytes()).iter().map(|item| item.raw).collect();
    assert_eq!(raws, [BEFORE.as_bytes(), AFTER.as_bytes()]);
}

#[test]
fn other_formats_take_no_lines() {
    for format in Format::ALL.into_iter().filter(|format| !matches!(format, Format::Auto | Format::LinuxAuth)) {
        let items = read(format, BEFORE.as_bytes());
        assert_eq!(items[0].event.as_ref().unwrap_err().code, RejectCode::NotJson, "{format}");
    }
}

#[test]
fn what_one_session_says_has_one_correlation_id() {
    let body = [
        "Accepted password for mara from 192.0.2.21 port 5 ssh2",
        "pam_unix(sshd:session): session opened for user mara(uid=2001) by (uid=0)",
        "pam_unix(sshd:session): session closed for user mara",
    ]
    .map(|said| format!("Jan  5 09:00:00 gate1 sshd[7]: {said}"))
    .join("\n");
    for item in read(Format::Auto, body.as_bytes()) {
        assert_eq!(field(&item, Field::CorrelationId).as_deref(), Some("gate1:sshd:7"));
    }
}

/// Beginnings after which the code looks for more, and the pieces that it looks for.
const PIECES: &[&str] = &[
    "Failed password for ",
    "Accepted publickey for ",
    "invalid user ",
    "mara",
    " from ",
    "192.0.2.1",
    " port ",
    "22",
    " ssh2",
    ": ",
    "Invalid user ",
    "Connection closed by ",
    "authenticating user ",
    "Disconnecting ",
    "[preauth]",
    " [preauth]",
    "error: ",
    "PAM ",
    "PAM: ",
    " more authentication failures; ",
    "pam_unix(sshd:session): ",
    "pam_unix(su:auth): ",
    "session opened for user ",
    "(uid=0)",
    " by ",
    "authentication failure; ",
    "rhost=",
    " user=",
    "ruser=x ",
    "mara : ",
    "TTY=x",
    " ; ",
    "COMMAND=",
    "USER=root",
    "new user: ",
    "name=",
    ", ",
    "UID=1",
    "add 'x'",
    " to group 'y'",
    "'",
    "message repeated ",
    "2 times: [ ",
    "]",
    "New session ",
    " of user ",
    "(root) CMD (",
    ")",
    "(to root) ",
    " on ",
    "é",
    "\u{feff}",
    "\0",
    " ",
    "User ",
    " not allowed because ",
    "FAILED LOGIN (1)",
    " FOR ",
    "group ",
    " removed",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Any bytes without a line's end are no business of the lines beside them.
    #[test]
    fn any_bytes_leave_their_neighbours_alone(middle in prop::collection::vec(any::<u8>().prop_filter("a line's end", |byte| *byte != b'\n'), 0..80)) {
        for format in [Format::Auto, Format::LinuxAuth] {
            check_between(format, &middle);
        }
    }

    #[test]
    fn any_text_of_json_and_lines_leaves_its_neighbours_alone(middle in "([{}\\[\\]\":,\\\\ \n]|\"a\"|<86>|1 |Jan  5 09:00:00 |2026-01-05T09:00:00Z |host |su: |x){0,30}") {
        for format in [Format::Auto, Format::LinuxAuth] {
            check_between(format, middle.as_bytes());
        }
    }

    /// Whatever a program says is an event with its words.
    #[test]
    fn whatever_is_said_is_an_event(
        program in prop::sample::select(&["sshd", "sshd-session", "sudo", "su", "useradd", "usermod", "gpasswd", "groupmod", "passwd", "systemd-logind", "CRON", "login", "x/y"]),
        said in pieces(),
    ) {
        let line = format!("Jan  5 09:00:00 gate1 {program}[7]: {said}");
        prop_assume!(!line.contains('\n'));
        let items = read(Format::Auto, line.as_bytes());
        prop_assert_eq!(items.len(), 1);
        prop_assert_eq!(items[0].format, Format::LinuxAuth);
        let event = items[0].event.as_ref().unwrap();
        prop_assert_eq!(event.fields.get(Field::Message).unwrap_or_default(), said.trim());
        prop_assert!(event.fields.get(Field::Action).is_some());
        if let Some(data) = event.fields.get(Field::RequestData) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(data).is_ok(), "{}", data);
        }
    }

    /// A failed login names the address that sshd wrote, whatever name was typed.
    #[test]
    fn no_name_hides_where_a_failed_login_came_from(name in pieces()) {
        let line = format!("Jan  5 09:00:00 gate1 sshd[7]: Failed password for invalid user {name} from 203.0.113.7 port 4711 ssh2");
        let items = read(Format::Auto, line.as_bytes());
        prop_assert_eq!(field(&items[0], Field::Action).unwrap_or_default(), "ssh.login");
        prop_assert_eq!(field(&items[0], Field::Outcome).unwrap_or_default(), "failure");
        prop_assert_eq!(field(&items[0], Field::Address).unwrap_or_default(), "203.0.113.7");
    }

    /// The same in an object, also where its text is escaped.
    #[test]
    fn an_object_that_carries_a_line_says_what_the_line_says(said in pieces()) {
        let line = format!("Jan  5 09:00:00 gate1 sshd[7]: {said}");
        let object = serde_json::json!({ "message": line }).to_string();
        let (plain, carried) = (read(Format::Auto, line.as_bytes()), read(Format::Auto, object.as_bytes()));
        prop_assert_eq!(carried[0].format, Format::LinuxAuth);
        prop_assert_eq!(plain[0].event.as_ref().unwrap(), carried[0].event.as_ref().unwrap());
    }
}
