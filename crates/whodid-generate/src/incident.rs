//! What should come to light: eight stories hidden in the history.

use whodid_model::Timestamp;
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};

use crate::acts::{self, Doer};
use crate::company::{Company, Key, OFFICES, Person};
use crate::draw::{Draw, mix};
use crate::ibm::{self, Iam, Who};
use crate::json::Json;
use crate::rhythm::local;
use crate::{Generated, Options, cloudtrail, kubernetes, okta};

const HOUR: i64 = MICROS_A_DAY / 24;
const MINUTE: i64 = 60 * MICROS_A_SECOND;

/// Something that happened and that somebody should notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// A short stable name: `password-guessing`.
    pub kind: &'static str,
    /// One line for a list.
    pub title: &'static str,
    /// Time of its first event.
    pub start: Timestamp,
    /// Time of its last event.
    pub end: Timestamp,
    /// Who did it, as the events name them.
    pub initiator: String,
    /// From where.
    pub addresses: Vec<String>,
    /// What to look for.
    pub note: &'static str,
}

/// The incidents of this history, in order. One that does not fit into a short history is left out.
pub fn incidents(options: Options) -> Vec<Incident> {
    let mut told: Vec<Incident> = stories(&Company::new(), &options).into_iter().map(|story| story.incident).collect();
    told.sort_by_key(|incident| incident.start);
    told
}

/// The events of all incidents, in order.
pub(crate) fn events(company: &Company, options: &Options) -> Vec<Generated> {
    let mut events: Vec<Generated> = stories(company, options).into_iter().flat_map(|story| story.events).collect();
    events.sort_by_key(|event| event.at);
    events
}

#[derive(Debug)]
struct Story {
    incident: Incident,
    events: Vec<Generated>,
}

struct Telling<'a> {
    company: &'a Company,
    draw: Draw,
    now: Timestamp,
    events: Vec<Generated>,
}

impl Telling<'_> {
    /// Lets between `least` and `most` seconds go by.
    fn wait(&mut self, least: u64, most: u64) {
        let micros = self.draw.between(least * 1_000_000, most * 1_000_000);
        self.now = self.now.plus_micros(micros as i64);
    }
}

type Teller = fn(&mut Telling<'_>) -> (&'static str, Vec<String>);

/// What is to happen, and when.
struct Plot {
    kind: &'static str,
    title: &'static str,
    note: &'static str,
    /// How far into the history, in hundredths of it.
    hundredths: i64,
    /// Hour and minute of the office's clock.
    clock: (i64, i64),
    /// By its place in [`OFFICES`].
    office: usize,
    tell: Teller,
}

const PLOTS: [Plot; 8] = [
    Plot {
        kind: "password-guessing",
        title: "Password guessed after 180 tries, then keys made",
        note: "failures of one account from one address, then a success and a new API key",
        hundredths: 23,
        clock: (3, 12),
        office: 1,
        tell: guess_password,
    },
    Plot {
        kind: "key-deletion",
        title: "A leaving developer deletes keys at night",
        note: "kms.secrets.delete by marek.dvorak@example.com outside working hours",
        hundredths: 37,
        clock: (2, 10),
        office: 1,
        tell: delete_keys,
    },
    Plot {
        kind: "impossible-travel",
        title: "Signed in from Tokyo and, 25 minutes later, from São Paulo",
        note: "two sign-ins of yuki.tanabe@example.com that no aircraft connects",
        hundredths: 48,
        clock: (10, 5),
        office: 3,
        tell: travel,
    },
    Plot {
        kind: "mass-secret-read",
        title: "A new service id reads every key it can reach",
        note: "a service id that did not exist the day before, and hundreds of reads in minutes",
        hundredths: 58,
        clock: (16, 20),
        office: 0,
        tell: read_everything,
    },
    Plot {
        kind: "public-bucket",
        title: "A bucket is opened to the public and read by strangers",
        note: "a change of the bucket's ACL, then reads with credential type public-access",
        hundredths: 68,
        clock: (17, 45),
        office: 2,
        tell: open_bucket,
    },
    Plot {
        kind: "unusual-exec",
        title: "An accountant opens a shell in a production pod",
        note: "pods/exec and secrets by somebody who never used the cluster before",
        hundredths: 78,
        clock: (19, 25),
        office: 1,
        tell: exec_in_production,
    },
    Plot {
        kind: "broken-deploy",
        title: "A deploy breaks decryption for half an hour",
        note: "one patch of payments-api, then a wall of kms.secrets.unwrap failures, then a rollback",
        hundredths: 87,
        clock: (11, 30),
        office: 0,
        tell: break_deploy,
    },
    Plot {
        kind: "audit-tampering",
        title: "Somebody tries to turn the audit off",
        note: "denied attempts to delete the audit route and to stop the trail",
        hundredths: 95,
        clock: (22, 40),
        office: 0,
        tell: disable_audit,
    },
];

fn stories(company: &Company, options: &Options) -> Vec<Story> {
    let mut stories = Vec::new();
    for (number, plot) in PLOTS.into_iter().enumerate() {
        let Plot { kind, title, note, hundredths, clock: (hour, minute), office, tell } = plot;
        let zone_hours = OFFICES[office].zone_hours;
        let Some(begin) = moment(options, hundredths, zone_hours, hour * HOUR + minute * MINUTE) else { continue };
        let draw = Draw::new(options.seed, mix(0x1ac1de27 + number as u64));
        let mut telling = Telling { company, draw, now: begin, events: Vec::new() };
        let (initiator, addresses) = tell(&mut telling);
        let events = telling.events;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { continue };
        if last.at >= options.end || first.at < options.start() {
            continue;
        }
        let incident =
            Incident { kind, title, start: first.at, end: last.at, initiator: initiator.to_owned(), addresses, note };
        stories.push(Story { incident, events });
    }
    stories
}

/// That time of day on a working day, so far into the history; earlier ones if it does not fit.
fn moment(options: &Options, hundredths: i64, zone_hours: i64, time_of_day: i64) -> Option<Timestamp> {
    let span = options.end.micros() - options.start().micros();
    let about = Timestamp::from_micros(options.start().micros() + span / 100 * hundredths);
    let day = local(about, zone_hours).day;
    let on = |day: i64| Timestamp::from_micros(day * MICROS_A_DAY + time_of_day - zone_hours * HOUR);
    let fits = |at: Timestamp| at >= options.start() && at.plus_micros(2 * HOUR) < options.end;
    let workdays = (0..4).map(|back| on(day - back)).filter(|at| local(*at, zone_hours).weekday < 5);
    workdays.chain([on(day), on(day + 1)]).find(|at| fits(*at))
}

fn user(person: &Person, address: &str, agent: &str) -> Who {
    Who {
        id: person.iam_id.clone(),
        name: person.email.clone(),
        kind: ibm::USER,
        credential: "token",
        credential_id: String::new(),
        address: address.to_owned(),
        agent: agent.to_owned(),
    }
}

fn guess_password(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let victim = telling.company.person("Victor Hahn");
    let address = "203.0.113.66";
    let agent = "python-requests/2.31.0";
    let stranger = user(victim, address, agent);
    for _ in 0..180 {
        if telling.draw.permille(650) {
            let iam = Iam {
                service: "iam-identity",
                what: "user-refreshtoken.login",
                label: "IAM Identity Service: login",
                object: String::new(),
                target_kind: "iam-identity/user",
                target_name: &victim.email,
                status: 400,
                why: "Provided user name or password is incorrect",
                request: None,
            };
            let event = ibm::iam_event(telling.now, &stranger, iam, &mut telling.draw);
            telling.events.push(event);
        } else {
            let mut entry = okta::Entry::sign_in(victim, &OFFICES[1], address);
            (entry.result, entry.reason) = ("FAILURE", "INVALID_CREDENTIALS");
            (entry.city, entry.country, entry.agent) = ("Unknown", "Netherlands", agent);
            telling.events.push(okta::event(telling.now, victim, entry, &mut telling.draw));
        }
        telling.wait(3, 11);
    }
    let mut entry = okta::Entry::sign_in(victim, &OFFICES[1], address);
    (entry.city, entry.country, entry.agent) = ("Unknown", "Netherlands", agent);
    telling.events.push(okta::event(telling.now, victim, entry, &mut telling.draw));
    telling.wait(20, 40);
    for name in ["automation-key", "automation-key-2"] {
        let iam = Iam {
            service: "iam-identity",
            what: "user-apikey.create",
            label: "IAM Identity Service: create user apikey",
            object: format!("apikey:ApiKey-{}", telling.draw.uuid()),
            target_kind: "iam-identity/user-apikey",
            target_name: name,
            status: 201,
            why: "",
            request: None,
        };
        telling.events.push(ibm::iam_event(telling.now, &stranger, iam, &mut telling.draw));
        telling.wait(8, 30);
    }
    for _ in 0..25 {
        let bucket = &telling.company.buckets[1];
        let name = acts::object_name(telling.now, &mut telling.draw);
        telling.events.push(ibm::object_event(telling.now, &stranger, bucket, &name, "read", 200, &mut telling.draw));
        telling.wait(1, 6);
    }
    ("victor.hahn@example.com", vec![address.into()])
}

fn delete_keys(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let leaver = telling.company.person("Marek Dvorak");
    let address = "203.0.113.141";
    let who = user(leaver, address, leaver.tool);
    telling.events.push(okta::event(
        telling.now,
        leaver,
        okta::Entry::sign_in(leaver, leaver.office, address),
        &mut telling.draw,
    ));
    telling.wait(40, 90);
    for office in [&OFFICES[1], &OFFICES[2]] {
        let keys: &[Key] = telling.company.keys_of(office);
        telling.events.push(ibm::key_event(telling.now, &who, office.region, &keys[0], "list", 200, &mut telling.draw));
        telling.wait(5, 20);
        for key in keys.iter().take(27) {
            // Some are held by a second person's consent.
            let status = if telling.draw.permille(200) { 409 } else { 200 };
            telling.events.push(ibm::key_event(
                telling.now,
                &who,
                office.region,
                key,
                "delete",
                status,
                &mut telling.draw,
            ));
            telling.wait(4, 25);
        }
    }
    ("marek.dvorak@example.com", vec![address.into()])
}

fn travel(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let person = telling.company.person("Yuki Tanabe");
    let (home, away) = ("198.51.100.130", "203.0.113.205");
    telling.events.push(okta::event(
        telling.now,
        person,
        okta::Entry::sign_in(person, person.office, home),
        &mut telling.draw,
    ));
    telling.now = telling.now.plus_micros(25 * MINUTE);
    let mut entry = okta::Entry::sign_in(person, person.office, away);
    (entry.city, entry.country) = ("São Paulo", "Brazil");
    entry.agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36";
    let agent = entry.agent;
    telling.events.push(okta::event(telling.now, person, entry, &mut telling.draw));
    let who = user(person, away, agent);
    for _ in 0..40 {
        telling.wait(2, 20);
        let bucket = telling.draw.pick_skewed(&telling.company.buckets);
        let verb = if telling.draw.permille(250) { "list" } else { "read" };
        let name = acts::object_name(telling.now, &mut telling.draw);
        telling.events.push(ibm::object_event(telling.now, &who, bucket, &name, verb, 200, &mut telling.draw));
    }
    ("yuki.tanabe@example.com", vec![home.into(), away.into()])
}

fn read_everything(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let maker = telling.company.person("Diego Santos");
    let name = "tmp-migration-helper";
    let address = "198.51.100.222";
    let maker_address = acts::address_of(maker, telling.now);
    let creator = user(maker, &maker_address, maker.tool);
    let (high, low) = (mix(0x7e3b), mix(0x7e3c));
    let service_id = format!("iam-ServiceId-{}", crate::draw::uuid(high, low));
    for (service, what, label, kind, status) in [
        ("iam-identity", "serviceid.create", "IAM Identity Service: create service ID", "iam-identity/serviceid", 201),
        ("iam-am", "policy.create", "IAM Access Management: create policy", "iam-am/policy", 201),
        (
            "iam-identity",
            "serviceid-apikey.create",
            "IAM Identity Service: create service ID apikey",
            "iam-identity/serviceid-apikey",
            201,
        ),
    ] {
        let mut request = Json::new();
        request.text("name", name).text("iam_id", &service_id);
        if what == "policy.create" {
            request.texts("roles", &["Manager"]).text("serviceName", "kms");
        }
        let iam = Iam {
            service,
            what,
            label,
            object: format!("serviceid:{service_id}"),
            target_kind: kind,
            target_name: name,
            status,
            why: "",
            request: Some(request),
        };
        telling.events.push(ibm::iam_event(telling.now, &creator, iam, &mut telling.draw));
        telling.wait(20, 70);
    }
    let who = Who {
        id: service_id,
        name: name.into(),
        kind: ibm::SERVICE_ID,
        credential: "apikey",
        credential_id: format!("ApiKey-{}", crate::draw::uuid(low, high)),
        address: address.into(),
        agent: "curl/8.5.0".into(),
    };
    for _ in 0..3 {
        for office in &OFFICES {
            for key in telling.company.keys_of(office) {
                let (verb, status) = if telling.draw.permille(70) { ("unwrap", 403) } else { ("read", 200) };
                telling.events.push(ibm::key_event(
                    telling.now,
                    &who,
                    office.region,
                    key,
                    verb,
                    status,
                    &mut telling.draw,
                ));
                telling.wait(0, 3);
            }
        }
    }
    (name, vec![address.into()])
}

fn open_bucket(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let person = telling.company.person("Ben Whitfield");
    let bucket = &telling.company.buckets[6];
    let own = acts::address_of(person, telling.now);
    let who = user(person, &own, person.tool);
    telling.events.push(ibm::bucket_event(
        telling.now,
        &who,
        bucket,
        "bucket-public-access-block.delete",
        200,
        None,
        &mut telling.draw,
    ));
    telling.wait(20, 60);
    let mut request = Json::new();
    request.text("acl", "public-read").text("grantee", "AccessGroupId-PublicAccess");
    telling.events.push(ibm::bucket_event(
        telling.now,
        &who,
        bucket,
        "bucket-acl.update",
        200,
        Some(request),
        &mut telling.draw,
    ));
    telling.wait(900, 1400);
    let mut addresses = vec![own];
    for number in 0..160 {
        let address = format!("192.0.2.{}", 130 + number % 23);
        let stranger = Who {
            id: "anonymous".into(),
            name: "anonymous".into(),
            kind: "service/security/clientid",
            credential: "public-access",
            credential_id: String::new(),
            address: address.clone(),
            agent: (*telling.draw.pick(&["Wget/1.21.4", "curl/8.9.1", "Go-http-client/2.0"])).into(),
        };
        let verb = if number % 12 == 0 { "list" } else { "read" };
        let name = acts::object_name(telling.now, &mut telling.draw);
        telling.events.push(ibm::object_event(telling.now, &stranger, bucket, &name, verb, 200, &mut telling.draw));
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        telling.wait(2, 18);
    }
    ("ben.whitfield@example.com", addresses)
}

fn exec_in_production(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let person = telling.company.person("Petra Schulz");
    let address = "203.0.113.188";
    let doer = Doer::person(person, telling.now);
    let who = Who { address: address.into(), ..doer.kube.clone() };
    let pod = acts::pod_name("payments-api", &mut telling.draw);
    let steps: [(&str, &str, &str, &str, u16); 9] = [
        ("list", "nodes", "", "", 403),
        ("list", "namespaces", "", "", 403),
        ("list", "secrets", "", "", 403),
        ("list", "pods", "", "", 200),
        ("get", "secrets", "payments-api-db", "", 200),
        ("get", "secrets", "payments-api-tls", "", 200),
        ("create", "pods", &pod, "exec", 101),
        ("create", "pods", &pod, "exec", 101),
        ("create", "pods", &pod, "portforward", 101),
    ];
    for (verb, resource, name, subresource, status) in steps {
        let is_global = matches!(resource, "nodes" | "namespaces");
        let call = kubernetes::Call {
            cluster: "prod-eu",
            verb,
            group: "",
            resource,
            subresource,
            namespace: if is_global { "" } else { "payments" },
            name,
            query: if subresource == "exec" { "?command=sh&container=app&stdin=true&stdout=true&tty=true" } else { "" },
            groups: &["example:staff", "system:authenticated"],
            status,
            request: None,
        };
        telling.events.push(kubernetes::event(telling.now, &who, call, &mut telling.draw));
        telling.wait(6, 70);
    }
    ("IAM#petra.schulz@example.com", vec![address.into()])
}

fn break_deploy(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let deployer = Doer::service(telling.company.service("ci-deployer-us"));
    let victim = telling.company.service("payments-api");
    let broken = Doer::service(victim);
    let deploy = |telling: &mut Telling<'_>, version: &str| {
        let mut request = Json::new();
        request.text("kind", "Deployment").open("metadata").text("name", "payments-api").text("namespace", "payments");
        request.close().open("spec").text("image", &format!("registry.example.com/payments-api:{version}")).close();
        let call = kubernetes::Call {
            cluster: "prod-us",
            verb: "patch",
            group: "apps",
            resource: "deployments",
            subresource: "",
            namespace: "payments",
            name: "payments-api",
            query: "?fieldManager=argocd-controller",
            groups: &["system:serviceaccounts", "system:authenticated"],
            status: 200,
            request: Some(request),
        };
        telling.events.push(kubernetes::event(telling.now, &deployer.kube, call, &mut telling.draw));
    };
    deploy(telling, "1.42.0");
    telling.wait(20, 40);
    let keys = telling.company.keys_of(victim.office);
    for _ in 0..1100 {
        let key = telling.draw.pick_skewed(keys);
        let status = telling.draw.weighted(&[(400, 60), (403, 25), (429, 10), (200, 5)]);
        telling.events.push(ibm::key_event(
            telling.now,
            &broken.who,
            victim.office.region,
            key,
            "unwrap",
            status,
            &mut telling.draw,
        ));
        telling.wait(0, 3);
    }
    deploy(telling, "1.41.3");
    (victim.name, vec![victim.address.clone()])
}

fn disable_audit(telling: &mut Telling<'_>) -> (&'static str, Vec<String>) {
    let person = telling.company.person("Carlos Mendez");
    let address = "203.0.113.97";
    let who = user(person, address, person.tool);
    let instance = crate::company::kms_instance("atracker");
    for (action, kind, name, status) in [
        ("atracker.route.list", "atracker/route", "routes", 200),
        ("atracker.route.delete", "atracker/route", "all-regions", 403),
        ("atracker.route.delete", "atracker/route", "all-regions", 403),
        ("atracker.target.delete", "atracker/target", "audit-archive", 403),
        ("atracker.setting.update", "atracker/setting", "settings", 403),
        ("atracker.route.update", "atracker/route", "all-regions", 403),
    ] {
        let happened = ibm::Happened {
            action,
            label: "Activity Tracker Event Routing:",
            status,
            why: ibm::why(status),
            crn: ibm::crn("atracker", "us-south", &instance),
            object: format!("{}:{}", kind.rsplit('/').next().unwrap_or_default(), telling.draw.uuid()),
            target_kind: kind,
            target_name: name,
            is_data: false,
            request: None,
            response: None,
            is_quoted: false,
        };
        telling.events.push(ibm::event(telling.now, &who, happened, &mut telling.draw));
        telling.wait(8, 50);
    }
    for (source, name) in [
        ("cloudtrail.amazonaws.com", "StopLogging"),
        ("cloudtrail.amazonaws.com", "DeleteTrail"),
        ("guardduty.amazonaws.com", "DeleteDetector"),
    ] {
        let mut request = Json::new();
        request.text("name", "audit-trail");
        let region = "us-east-1";
        let call = cloudtrail::Call {
            source,
            name,
            region,
            is_read: false,
            request: Some(request),
            error: "AccessDenied",
            is_role: false,
        };
        telling.events.push(cloudtrail::event(telling.now, &who, call, &mut telling.draw));
        telling.wait(8, 50);
    }
    ("carlos.mendez@example.com", vec![address.into()])
}
