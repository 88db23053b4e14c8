//! Everyday work: what each team and each service does, and how often.

use whodid_model::Timestamp;

use crate::company::{Company, Job, OFFICES, Office, Person, Service, Team};
use crate::draw::{Draw, mix};
use crate::ibm::{self, Iam, Who};
use crate::json::Json;
use crate::rhythm::local;
use crate::{Generated, cadf, cloudtrail, kubernetes, okta};

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Key(&'static str),
    KeyPolicyRead,
    Object(&'static str),
    BucketRead,
    BucketAclRead,
    ApiKeyLogin,
    GroupRead,
    PolicyRead,
    MemberAdd,
    PolicyUpdate,
    ApiKeyCreate,
    Kube(&'static str, &'static str),
    KubeExec,
    Sso,
    OktaAdmin,
    AwsDescribe,
    AwsConsole,
    AwsObject(&'static str),
    AwsAssumeRole,
    Server,
    Project,
}

type Habits = &'static [(Act, u32)];

fn habits_of_team(team: Team) -> Habits {
    use Act::*;
    match team {
        Team::Platform => &[
            (Kube("get", "pods"), 22),
            (Kube("list", "pods"), 14),
            (Kube("get", "pods/log"), 8),
            (Kube("list", "events"), 8),
            (Kube("patch", "deployments"), 6),
            (Kube("get", "secrets"), 2),
            (Kube("delete", "pods"), 2),
            (KubeExec, 1),
            (Key("list"), 6),
            (Key("read"), 5),
            (Key("rotate"), 1),
            (Key("create"), 1),
            (KeyPolicyRead, 2),
            (GroupRead, 5),
            (PolicyRead, 5),
            (ApiKeyLogin, 10),
            (PolicyUpdate, 1),
            (BucketRead, 3),
            (Object("list"), 4),
            (AwsDescribe, 8),
            (AwsConsole, 1),
            (Server, 5),
            (Sso, 3),
        ],
        Team::Security => &[
            (Key("list"), 12),
            (Key("read"), 8),
            (KeyPolicyRead, 8),
            (GroupRead, 14),
            (PolicyRead, 14),
            (MemberAdd, 1),
            (BucketAclRead, 8),
            (Kube("list", "clusterrolebindings"), 8),
            (AwsDescribe, 8),
            (ApiKeyLogin, 8),
            (OktaAdmin, 1),
            (Sso, 6),
        ],
        Team::Developer => &[
            (Kube("get", "pods"), 25),
            (Kube("list", "pods"), 20),
            (Kube("get", "pods/log"), 14),
            (Kube("list", "deployments"), 8),
            (Kube("patch", "deployments"), 3),
            (Kube("get", "configmaps"), 5),
            (Object("read"), 10),
            (Object("list"), 5),
            (ApiKeyLogin, 8),
            (Key("list"), 1),
            (Sso, 10),
            (AwsDescribe, 2),
            (Server, 2),
        ],
        Team::Data => &[
            (Object("read"), 40),
            (Object("list"), 18),
            (Object("create"), 14),
            (Object("delete"), 2),
            (BucketRead, 4),
            (AwsObject("GetObject"), 14),
            (AwsObject("PutObject"), 4),
            (ApiKeyLogin, 8),
            (Sso, 8),
        ],
        Team::Office => &[(Sso, 55), (Object("read"), 14), (Object("create"), 5), (Object("list"), 8)],
        Team::Admin => &[
            (GroupRead, 16),
            (PolicyRead, 14),
            (MemberAdd, 3),
            (PolicyUpdate, 4),
            (ApiKeyCreate, 2),
            (ApiKeyLogin, 10),
            (OktaAdmin, 5),
            (Key("list"), 4),
            (Key("create"), 1),
            (BucketRead, 6),
            (Project, 4),
            (AwsConsole, 3),
            (AwsDescribe, 5),
            (Sso, 8),
        ],
    }
}

fn habits_of_job(job: Job) -> Habits {
    use Act::*;
    match job {
        Job::Encrypts => &[(Key("unwrap"), 70), (Key("wrap"), 22), (ApiKeyLogin, 6), (Key("read"), 2)],
        Job::StoresObjects => &[(Object("create"), 78), (Object("read"), 10), (Object("delete"), 4), (ApiKeyLogin, 5)],
        Job::ReadsObjects => &[(Object("read"), 80), (Object("list"), 15), (ApiKeyLogin, 5)],
        Job::Deploys => &[
            (Kube("patch", "deployments"), 30),
            (Kube("get", "deployments"), 30),
            (Kube("create", "configmaps"), 12),
            (Kube("delete", "replicasets"), 6),
            (Kube("list", "deployments"), 14),
            (Kube("create", "deployments"), 3),
        ],
        Job::WatchesCluster => &[
            (Kube("watch", "pods"), 34),
            (Kube("list", "pods"), 30),
            (Kube("get", "nodes"), 20),
            (Kube("list", "events"), 10),
        ],
        Job::RotatesKeys => &[(Key("list"), 2), (Key("rotate"), 12), (Key("read"), 6), (ApiKeyLogin, 1)],
        Job::BacksUp => &[(Object("list"), 6), (Object("read"), 45), (Object("create"), 45), (ApiKeyLogin, 2)],
        Job::ScansAccess => &[
            (GroupRead, 30),
            (PolicyRead, 30),
            (BucketAclRead, 14),
            (KeyPolicyRead, 12),
            (Kube("list", "clusterrolebindings"), 8),
            (ApiKeyLogin, 3),
        ],
        Job::AwsBatch => {
            &[(AwsObject("GetObject"), 50), (AwsObject("PutObject"), 30), (AwsAssumeRole, 8), (AwsDescribe, 6)]
        }
        Job::OpenStack => &[(Server, 60), (Project, 3)],
    }
}

/// Somebody at work: who they are to each kind of source.
#[derive(Debug)]
pub(crate) struct Doer<'a> {
    pub(crate) who: Who,
    pub(crate) kube: Who,
    kube_groups: &'static [&'static str],
    office: &'a Office,
    number: usize,
    habits: Habits,
    person: Option<&'a Person>,
    is_role: bool,
}

impl<'a> Doer<'a> {
    pub(crate) fn person(person: &'a Person, at: Timestamp) -> Self {
        let address = address_of(person, at);
        let agent = if person.team == Team::Office { person.browser } else { person.tool };
        let who = Who {
            id: person.iam_id.clone(),
            name: person.email.clone(),
            kind: ibm::USER,
            credential: "token",
            credential_id: String::new(),
            address,
            agent: agent.to_owned(),
        };
        let kube = Who {
            name: format!("IAM#{}", person.email),
            agent: "kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9".to_owned(),
            ..who.clone()
        };
        let kube_groups: &[&str] = match person.team {
            Team::Platform => &["example:platform", "system:authenticated"],
            _ => &["example:staff", "system:authenticated"],
        };
        Self {
            who,
            kube,
            kube_groups,
            office: person.office,
            number: person.number,
            habits: habits_of_team(person.team),
            person: Some(person),
            is_role: false,
        }
    }

    pub(crate) fn service(service: &'a Service) -> Self {
        let is_cluster = matches!(service.job, Job::Deploys | Job::WatchesCluster);
        let who = Who {
            id: service.iam_id.clone(),
            name: service.name.to_owned(),
            kind: ibm::SERVICE_ID,
            credential: "apikey",
            credential_id: service.api_key.clone(),
            address: service.address.clone(),
            agent: service.agent.to_owned(),
        };
        let account = if is_cluster {
            format!("system:serviceaccount:platform:{}", service.name)
        } else {
            service.name.to_owned()
        };
        Self {
            kube: Who { name: account, ..who.clone() },
            who,
            kube_groups: &["system:serviceaccounts", "system:authenticated"],
            office: service.office,
            number: 100 + service.number,
            habits: habits_of_job(service.job),
            person: None,
            is_role: service.job == Job::AwsBatch,
        }
    }

    /// One of `items`, mostly one of the few that this one works with.
    fn favourite<'b, T>(&self, items: &'b [T], draw: &mut Draw) -> &'b T {
        let unit = draw.unit();
        let place = (unit * unit * unit * items.len() as f64) as usize;
        &items[(self.number * 7 + place) % items.len()]
    }
}

/// Where somebody is on that day: in the office, or at home, whose address changes by the week.
pub(crate) fn address_of(person: &Person, at: Timestamp) -> String {
    let local = local(at, person.office.zone_hours);
    let office = person.office;
    let bits = mix(person.number as u64 * 31 + local.day as u64);
    if bits.is_multiple_of(3) {
        let home = mix(person.number as u64 * 131 + (local.day / 7) as u64);
        return format!("203.0.113.{}", 64 + home % 128);
    }
    // The cloud's private endpoints see the office network, all others its gateway.
    if bits.is_multiple_of(5) {
        return format!("{}{}.{}", office.private_net, 1 + person.number / 16, 10 + person.number);
    }
    format!("{}{}", office.public_net, office.public_from + bits % 16)
}

/// One everyday event of this doer.
pub(crate) fn everyday(company: &Company, doer: &Doer<'_>, at: Timestamp, draw: &mut Draw) -> Generated {
    let act = draw.weighted(doer.habits);
    let status = trouble(draw);
    // People look after their own region; a few acts reach into another.
    let office = if draw.permille(60) { draw.pick(&OFFICES) } else { doer.office };
    let who = &doer.who;
    match act {
        Act::Key(verb) => {
            let key = doer.favourite(company.keys_of(office), draw);
            let ok = if verb == "create" { 201 } else { 200 };
            ibm::key_event(at, who, office.region, key, verb, status.unwrap_or(ok), draw)
        }
        Act::KeyPolicyRead => {
            let instance = crate::company::kms_instance(office.region);
            let key = doer.favourite(company.keys_of(office), draw);
            let mut request = Json::new();
            request.text("requestURI", &format!("/api/v2/keys/{}/policies", key.id)).text("instanceID", &instance);
            let status = status.unwrap_or(200);
            let happened = ibm::Happened {
                action: "kms.policies.read",
                label: "Key Protect: read key policies",
                status,
                why: ibm::why(status),
                crn: ibm::crn("kms", office.region, &instance),
                object: format!("key:{}", key.id),
                target_kind: "kms/policies",
                target_name: &key.name,
                is_data: false,
                request: Some(request),
                response: None,
                is_quoted: office.region == "eu-gb",
            };
            ibm::event(at, who, happened, draw)
        }
        Act::Object(verb) => {
            let bucket = doer.favourite(&company.buckets, draw);
            let name = if verb == "list" { bucket.name.clone() } else { object_name(at, draw) };
            let ok = if verb == "delete" { 204 } else { 200 };
            ibm::object_event(at, who, bucket, &name, verb, status.unwrap_or(ok), draw)
        }
        Act::BucketRead | Act::BucketAclRead => {
            let what = if act == Act::BucketRead { "bucket.read" } else { "bucket-acl.read" };
            let bucket = doer.favourite(&company.buckets, draw);
            ibm::bucket_event(at, who, bucket, what, status.unwrap_or(200), None, draw)
        }
        Act::ApiKeyLogin => {
            let what = if doer.person.is_some() { "user-apikey.login" } else { "serviceid-apikey.login" };
            let status = status.map_or(200, |_| 400);
            let why = "Provided API key could not be found";
            let iam = Iam {
                service: "iam-identity",
                what,
                label: "IAM Identity Service: login",
                object: format!("apikey:{}", who.credential_id),
                target_kind: "iam-identity/apikey",
                target_name: &who.name,
                status,
                why,
                request: None,
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::GroupRead => {
            let group = draw.pick_skewed(&GROUPS);
            let id = mix(group.len() as u64);
            let iam = Iam {
                service: "iam-groups",
                what: "group.read",
                label: "IAM Access Groups: read group",
                object: format!("groups:AccessGroupId-{}", crate::draw::uuid(id, mix(id))),
                target_kind: "iam-groups/group",
                target_name: group,
                status: status.unwrap_or(200),
                why: ibm::why(status.unwrap_or(200)),
                request: None,
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::PolicyRead => {
            let role = *draw.pick_skewed(&ROLES);
            let iam = Iam {
                service: "iam-am",
                what: "policy.read",
                label: "IAM Access Management: read policy",
                object: format!("policy:{}", draw.uuid()),
                target_kind: "iam-am/policy",
                target_name: role,
                status: status.unwrap_or(200),
                why: ibm::why(status.unwrap_or(200)),
                request: None,
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::MemberAdd => {
            let group = draw.pick(&GROUPS);
            let member = draw.pick(&company.people);
            let mut request = Json::new();
            request.text("iam_id", &member.iam_id).text("type", "user");
            let iam = Iam {
                service: "iam-groups",
                what: "member.add",
                label: "IAM Access Groups: add member",
                object: format!("groups:AccessGroupId-{}", draw.uuid()),
                target_kind: "iam-groups/member",
                target_name: group,
                status: status.unwrap_or(200),
                why: ibm::why(status.unwrap_or(200)),
                request: Some(request),
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::PolicyUpdate => {
            let role = draw.pick(&ROLES);
            let mut request = Json::new();
            request.open_list("update").text("roles_added", role).text("updateType", "roles").close_list();
            request.number("totalNumberChanges", 1);
            let iam = Iam {
                service: "iam-am",
                what: "policy.update",
                label: "IAM Access Management: update policy",
                object: format!("policy:{}", draw.uuid()),
                target_kind: "iam-am/policy",
                target_name: role,
                status: status.unwrap_or(200),
                why: ibm::why(status.unwrap_or(200)),
                request: Some(request),
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::ApiKeyCreate => {
            let service = draw.pick(&company.services);
            let iam = Iam {
                service: "iam-identity",
                what: "serviceid-apikey.create",
                label: "IAM Identity Service: create service ID apikey",
                object: format!("apikey:ApiKey-{}", draw.uuid()),
                target_kind: "iam-identity/serviceid-apikey",
                target_name: service.name,
                status: status.unwrap_or(201),
                why: ibm::why(status.unwrap_or(201)),
                request: None,
            };
            ibm::iam_event(at, who, iam, draw)
        }
        Act::Kube(verb, what) => kube(company, doer, verb, what, status, at, draw),
        Act::KubeExec => kube(company, doer, "create", "pods/exec", status, at, draw),
        Act::Sso | Act::OktaAdmin => from_okta(company, doer, act, status, at, draw),
        Act::AwsDescribe | Act::AwsConsole | Act::AwsObject(_) | Act::AwsAssumeRole => {
            from_aws(company, doer, act, status, at, draw)
        }
        Act::Server | Act::Project => {
            let (action, service, kind) = match (act, draw.below(10)) {
                (Act::Project, 0..=4) => ("read/list", "keystone", "data/security/project"),
                (Act::Project, _) => ("update", "keystone", "data/security/project"),
                (_, 0) => ("create", "nova", "compute/server"),
                (_, 1) => ("delete", "nova", "compute/server"),
                (_, 2 | 3) => ("authenticate", "keystone", "service/security/account/user"),
                (Act::Server, 4..=6) => ("read", "nova", "compute/server"),
                _ => ("read/list", "nova", "compute/server"),
            };
            let number = draw.below(24);
            let (id, name) = (mix(0x1ab + number), format!("lab-{number:02}"));
            let id = crate::draw::uuid(id, mix(id));
            let status = status.map_or(200, |_| 409);
            let act = cadf::Act { action, service, target_kind: kind, target_id: &id, target_name: &name, status };
            cadf::event(at, who, act, draw)
        }
    }
}

const GROUPS: [&str; 8] = [
    "platform-operators",
    "developers",
    "key-readers",
    "payments-team",
    "data-analysts",
    "auditors",
    "support",
    "billing-viewers",
];
const ROLES: [&str; 6] = ["Viewer", "Reader", "Operator", "Writer", "Editor", "Manager"];
const WORKLOADS: [&str; 8] =
    ["payments-api", "orders-api", "web", "worker", "scheduler", "gateway", "catalog", "notifier"];

/// Three in a hundred go wrong.
fn trouble(draw: &mut Draw) -> Option<u16> {
    draw.permille(30).then(|| draw.weighted(&[(403, 40), (404, 26), (409, 9), (400, 11), (429, 5), (500, 5), (503, 4)]))
}

pub(crate) fn object_name(at: Timestamp, draw: &mut Draw) -> String {
    let area = draw.pick(&["invoices", "exports", "images", "events", "models", "reports"]);
    let ending = draw.pick(&["parquet", "json.gz", "pdf", "jpg", "csv"]);
    format!("{area}/{}/{}.{ending}", at.date(), draw.hex(12))
}

pub(crate) fn pod_name(workload: &str, draw: &mut Draw) -> String {
    format!("{workload}-{}-{}", draw.hex(9), draw.letters(5))
}

fn kube(
    company: &Company,
    doer: &Doer<'_>,
    verb: &str,
    what: &'static str,
    status: Option<u16>,
    at: Timestamp,
    draw: &mut Draw,
) -> Generated {
    let near: Vec<_> = company.clusters.iter().filter(|cluster| cluster.office.region == doer.office.region).collect();
    let cluster = if near.is_empty() || draw.permille(80) { draw.pick(&company.clusters) } else { *draw.pick(&near) };
    let namespace = doer.favourite(cluster.namespaces, draw);
    let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
    let workload = *doer.favourite(&WORKLOADS, draw);
    let group = match resource {
        "deployments" | "replicasets" => "apps",
        "clusterrolebindings" => "rbac.authorization.k8s.io",
        _ => "",
    };
    let is_whole = matches!(verb, "list" | "watch");
    let name = match resource {
        _ if is_whole || (verb == "create" && subresource.is_empty()) => String::new(),
        "pods" => pod_name(workload, draw),
        "replicasets" => format!("{workload}-{}", draw.hex(9)),
        "nodes" => format!("10.{}.{}.{}", draw.between(64, 80), draw.below(8), draw.between(2, 60)),
        "secrets" => format!("{workload}-tls"),
        _ => workload.to_owned(),
    };
    let query = match (verb, subresource) {
        (_, "log") => "?follow=false&tailLines=500",
        (_, "exec") => "?command=sh&container=app&stdin=true&stdout=true&tty=true",
        ("watch", _) => "?allowWatchBookmarks=true&timeoutSeconds=540&watch=true",
        ("list", _) => "?limit=500",
        ("patch", _) => "?fieldManager=kubectl-client-side-apply",
        _ => "",
    };
    let request = (verb == "patch" || verb == "create" && subresource.is_empty()).then(|| {
        let mut object = Json::new();
        object.text("kind", if resource == "configmaps" { "ConfigMap" } else { "Deployment" });
        object.open("metadata").text("name", workload).text("namespace", namespace).close();
        object.open("spec").number("replicas", draw.between(2, 12));
        object.text("image", &format!("registry.example.com/{workload}:1.{}.{}", draw.below(40), draw.below(20)));
        object.close();
        object
    });
    let ok = match verb {
        "create" if subresource == "exec" => 101,
        "create" => 201,
        _ => 200,
    };
    // What the API server answers: it has no 400 or 503 worth telling apart here.
    let status = status.map_or(ok, |status| if matches!(status, 400 | 503) { 500 } else { status });
    let is_global = matches!(resource, "nodes" | "clusterrolebindings");
    let call = kubernetes::Call {
        cluster: cluster.name,
        verb,
        group,
        resource,
        subresource,
        namespace: if is_global { "" } else { namespace },
        name: &name,
        query,
        groups: doer.kube_groups,
        status,
        request,
    };
    kubernetes::event(at, &doer.kube, call, draw)
}

fn from_okta(
    company: &Company,
    doer: &Doer<'_>,
    act: Act,
    status: Option<u16>,
    at: Timestamp,
    draw: &mut Draw,
) -> Generated {
    let person = doer.person.unwrap_or(&company.people[0]);
    let mut entry = okta::Entry::sign_in(person, person.office, &doer.who.address);
    if act == Act::OktaAdmin {
        let subject = draw.pick(&company.people);
        (entry.kind, entry.message) = *draw.pick(&[
            ("user.account.reset_password", "Fired when the user's password is reset"),
            ("group.user_membership.add", "Add user to group membership"),
            ("user.mfa.factor.deactivate", "Reset factor for user"),
            ("user.lifecycle.activate", "Activate Okta user"),
        ]);
        entry.target = Some(("User", &subject.okta_id, &subject.email));
        return okta::event(at, person, entry, draw);
    }
    let app = *doer.favourite(&okta::APPS, draw);
    (entry.kind, entry.message) = ("user.authentication.sso", "User single sign on to app");
    entry.target = Some(("AppInstance", app, app));
    if status.is_some() {
        (entry.result, entry.reason) = ("FAILURE", "User is not assigned to this application");
    }
    okta::event(at, person, entry, draw)
}

fn from_aws(
    company: &Company,
    doer: &Doer<'_>,
    act: Act,
    status: Option<u16>,
    at: Timestamp,
    draw: &mut Draw,
) -> Generated {
    let mut request = Json::new();
    let (source, name, is_read) = match act {
        Act::AwsObject(name) => {
            let bucket = doer.favourite(&company.buckets, draw);
            request.text("bucketName", &format!("{}-aws", bucket.name)).text("key", &object_name(at, draw));
            ("s3.amazonaws.com", name, name == "GetObject")
        }
        Act::AwsAssumeRole => {
            let role = &doer.who.name;
            request.text("roleArn", &format!("arn:aws:iam::{}:role/{role}", crate::company::AWS_ACCOUNT));
            request.text("roleSessionName", role);
            ("sts.amazonaws.com", "AssumeRole", true)
        }
        Act::AwsConsole => ("signin.amazonaws.com", "ConsoleLogin", false),
        _ => {
            let (source, name) = *draw.pick_skewed(&[
                ("ec2.amazonaws.com", "DescribeInstances"),
                ("ec2.amazonaws.com", "DescribeSecurityGroups"),
                ("rds.amazonaws.com", "DescribeDBInstances"),
                ("iam.amazonaws.com", "ListUsers"),
                ("cloudtrail.amazonaws.com", "DescribeTrails"),
                ("ecs.amazonaws.com", "ListClusters"),
            ]);
            request.number("maxResults", 100);
            (source, name, true)
        }
    };
    let error = match (status, act) {
        (None, _) => "",
        (Some(404), Act::AwsObject(_)) => "NoSuchKey",
        (Some(429), _) => "ThrottlingException",
        _ => "AccessDenied",
    };
    let region = doer.office.aws_region;
    let request = (act != Act::AwsConsole).then_some(request);
    let call = cloudtrail::Call { source, name, region, is_read, request, error, is_role: doer.is_role };
    cloudtrail::event(at, &doer.who, call, draw)
}

/// How a person's day begins: a sign-in, at times with a mistyped password, and the second factor.
pub(crate) fn begin_day(person: &Person, at: Timestamp, draw: &mut Draw) -> Vec<Generated> {
    let address = address_of(person, at);
    let office = person.office;
    let mut events = Vec::new();
    let mut now = at;
    if draw.permille(70) {
        let mut entry = okta::Entry::sign_in(person, office, &address);
        (entry.result, entry.reason) = ("FAILURE", "INVALID_CREDENTIALS");
        events.push(okta::event(now, person, entry, draw));
        now = now.plus_micros(draw.between(3_000_000, 20_000_000) as i64);
    }
    let mut factor = okta::Entry::sign_in(person, office, &address);
    (factor.kind, factor.message) = ("user.authentication.auth_via_mfa", "Authentication of user via MFA");
    events.push(okta::event(now, person, factor, draw));
    now = now.plus_micros(draw.between(1_000_000, 4_000_000) as i64);
    events.push(okta::event(now, person, okta::Entry::sign_in(person, office, &address), draw));
    events
}
