//! Who works there, what runs there, and what they work on. The same in every history.

use crate::draw::{hex, mix, uuid};

pub(crate) const ACCOUNT: &str = "7d4c0f2e9b1a4c5d8e6f70819a2b3c4d";
pub(crate) const AWS_ACCOUNT: &str = "000000424242";

/// An office: where its people are, and how the network sees them.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) city: &'static str,
    pub(crate) country: &'static str,
    /// Hours east of UTC; summer time is left out.
    pub(crate) zone_hours: i64,
    pub(crate) region: &'static str,
    pub(crate) aws_region: &'static str,
    /// What the outside sees of the office, without the last number.
    pub(crate) public_net: &'static str,
    /// The first of sixteen last numbers of it.
    pub(crate) public_from: u64,
    pub(crate) private_net: &'static str,
}

pub(crate) const OFFICES: [Office; 4] = [
    Office {
        city: "Dallas",
        country: "United States",
        zone_hours: -6,
        region: "us-south",
        aws_region: "us-east-1",
        public_net: "198.51.100.",
        public_from: 16,
        private_net: "10.20.",
    },
    Office {
        city: "Frankfurt",
        country: "Germany",
        zone_hours: 1,
        region: "eu-de",
        aws_region: "eu-central-1",
        public_net: "192.0.2.",
        public_from: 32,
        private_net: "10.40.",
    },
    Office {
        city: "London",
        country: "United Kingdom",
        zone_hours: 0,
        region: "eu-gb",
        aws_region: "eu-west-2",
        public_net: "203.0.113.",
        public_from: 16,
        private_net: "10.44.",
    },
    Office {
        city: "Tokyo",
        country: "Japan",
        zone_hours: 9,
        region: "jp-tok",
        aws_region: "ap-northeast-1",
        public_net: "198.51.100.",
        public_from: 128,
        private_net: "10.81.",
    },
];

/// What somebody's work is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Team {
    Platform,
    Security,
    Developer,
    Data,
    Office,
    Admin,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) email: String,
    pub(crate) team: Team,
    pub(crate) office: &'static Office,
    pub(crate) number: usize,
    pub(crate) iam_id: String,
    pub(crate) okta_id: String,
    pub(crate) browser: &'static str,
    pub(crate) tool: &'static str,
    /// Hours that the day begins later (or earlier) than the office's.
    pub(crate) shift_hours: i64,
    /// How much somebody does compared with the team.
    pub(crate) zeal: f64,
}

/// How a service's load goes through the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// The same day and night.
    Steady,
    /// Follows the customers of its region.
    Daytime,
    /// At two in the morning, for an hour.
    Nightly,
    /// On working days, when people deploy.
    Workdays,
    /// Early on Monday.
    Weekly,
}

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Encrypts,
    StoresObjects,
    ReadsObjects,
    Deploys,
    WatchesCluster,
    RotatesKeys,
    BacksUp,
    ScansAccess,
    AwsBatch,
    OpenStack,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) job: Job,
    pub(crate) rhythm: Rhythm,
    pub(crate) office: &'static Office,
    pub(crate) number: usize,
    pub(crate) iam_id: String,
    pub(crate) api_key: String,
    pub(crate) address: String,
    pub(crate) agent: &'static str,
    /// Events compared with a person's.
    pub(crate) weight: f64,
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ring: &'static str,
    pub(crate) is_root: bool,
    pub(crate) version: String,
}

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) office: &'static Office,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) name: &'static str,
    pub(crate) office: &'static Office,
    pub(crate) namespaces: &'static [&'static str],
}

/// Everything there is.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) people: Vec<Person>,
    pub(crate) services: Vec<Service>,
    /// Keys by office.
    pub(crate) keys: Vec<Vec<Key>>,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) clusters: Vec<Cluster>,
}

const BROWSERS: [&str; 5] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

const TOOLS: [&str; 4] = [
    "ibmcloud/2.38.1 (darwin; arm64)",
    "ibmcloud/2.37.0 (linux; amd64)",
    "terraform-provider-ibm/1.84.2",
    "python-requests/2.32.5",
];

const PEOPLE: [(&str, Team, usize); 60] = {
    use Team::{Admin, Data, Developer, Office, Platform, Security};
    [
        ("Ada Brandt", Admin, 1),
        ("Marcus Webb", Admin, 0),
        ("Hiroshi Endo", Admin, 3),
        ("Lena Fischer", Platform, 1),
        ("Tom Okafor", Platform, 2),
        ("Priya Raman", Platform, 2),
        ("Diego Santos", Platform, 0),
        ("Grace Kim", Platform, 0),
        ("Kenji Mori", Platform, 3),
        ("Jonas Weber", Platform, 1),
        ("Sofia Lindqvist", Security, 1),
        ("Amir Haddad", Security, 2),
        ("Rachel Stone", Security, 0),
        ("Naoko Ito", Security, 3),
        ("Marek Dvorak", Developer, 1),
        ("Victor Hahn", Developer, 1),
        ("Elif Yilmaz", Developer, 1),
        ("Nina Keller", Developer, 1),
        ("Paul Richter", Developer, 1),
        ("Mia Vogel", Developer, 1),
        ("Oskar Lang", Developer, 1),
        ("Clara Busch", Developer, 1),
        ("James Carter", Developer, 0),
        ("Emily Nguyen", Developer, 0),
        ("Carlos Mendez", Developer, 0),
        ("Hannah Brooks", Developer, 0),
        ("Tyler Reed", Developer, 0),
        ("Zoe Martin", Developer, 0),
        ("Andre Wilson", Developer, 0),
        ("Oliver Hughes", Developer, 2),
        ("Aisha Khan", Developer, 2),
        ("Ewan Murray", Developer, 2),
        ("Charlotte Evans", Developer, 2),
        ("Samuel Adeyemi", Developer, 2),
        ("Yuki Tanabe", Developer, 3),
        ("Sora Nishimura", Developer, 3),
        ("Mei Fujita", Developer, 3),
        ("Ren Okada", Developer, 3),
        ("Ingrid Holm", Data, 1),
        ("Felix Baumann", Data, 1),
        ("Laura Chen", Data, 0),
        ("Nathan Price", Data, 0),
        ("Fatima Noor", Data, 2),
        ("Ben Whitfield", Data, 2),
        ("Daichi Kato", Data, 3),
        ("Petra Schulz", Office, 1),
        ("Stefan Kraus", Office, 1),
        ("Julia Neumann", Office, 1),
        ("Michael Torres", Office, 0),
        ("Karen Doyle", Office, 0),
        ("Ashley Green", Office, 0),
        ("Robert Lane", Office, 0),
        ("Megan Clarke", Office, 2),
        ("Daniel Foster", Office, 2),
        ("Lucy Harper", Office, 2),
        ("Akira Sato", Office, 3),
        ("Haruka Ueda", Office, 3),
        ("Theo Lambert", Office, 1),
        ("Eva Novak", Office, 1),
        ("Simon Bell", Office, 2),
    ]
};

const SERVICES: [(&str, Job, Rhythm, usize, f64, &str); 25] = {
    use Job::*;
    use Rhythm::*;
    [
        ("payments-api", Encrypts, Daytime, 0, 6.0, "keyprotect-go-client/0.15.1"),
        ("payments-api-eu", Encrypts, Daytime, 1, 5.0, "keyprotect-go-client/0.15.1"),
        ("orders-api", Encrypts, Daytime, 0, 3.5, "keyprotect-go-client/0.14.2"),
        ("orders-api-eu", Encrypts, Daytime, 2, 3.0, "keyprotect-go-client/0.14.2"),
        ("ledger", Encrypts, Steady, 1, 2.0, "keyprotect-java-client/1.9.0"),
        ("customer-vault", Encrypts, Daytime, 3, 3.0, "keyprotect-go-client/0.15.1"),
        ("invoice-archive", StoresObjects, Workdays, 1, 2.5, "ibm-cos-sdk-java/2.14.1"),
        ("media-upload", StoresObjects, Daytime, 0, 4.0, "ibm-cos-sdk-js/1.14.0"),
        ("media-upload-tok", StoresObjects, Daytime, 3, 2.5, "ibm-cos-sdk-js/1.14.0"),
        ("reporting", ReadsObjects, Workdays, 2, 3.0, "ibm-cos-sdk-py/2.14.0 Python/3.12.7"),
        ("ml-training", ReadsObjects, Steady, 0, 2.5, "ibm-cos-sdk-py/2.13.6 Python/3.11.9"),
        ("search-indexer", ReadsObjects, Steady, 2, 2.0, "ibm-cos-sdk-go/1.12.1"),
        ("ci-deployer", Deploys, Workdays, 1, 3.0, "argocd-application-controller/v3.1.8"),
        ("ci-deployer-us", Deploys, Workdays, 0, 3.0, "argocd-application-controller/v3.1.8"),
        ("node-monitor", WatchesCluster, Steady, 0, 2.0, "prometheus/3.7.2"),
        ("node-monitor-eu", WatchesCluster, Steady, 1, 2.0, "prometheus/3.7.2"),
        ("log-shipper", WatchesCluster, Steady, 3, 1.5, "fluent-bit/4.1.1"),
        ("autoscaler", WatchesCluster, Daytime, 0, 1.5, "cluster-autoscaler/v1.33.1"),
        ("key-rotator", RotatesKeys, Weekly, 1, 0.5, "key-rotator/2.4 (Go-http-client/1.1)"),
        ("backup-us", BacksUp, Nightly, 0, 3.0, "rclone/v1.71.1"),
        ("backup-eu", BacksUp, Nightly, 1, 3.0, "rclone/v1.71.1"),
        ("access-review", ScansAccess, Nightly, 2, 2.0, "access-review/1.8.0 python-requests/2.32.5"),
        ("posture-scanner", ScansAccess, Steady, 1, 1.5, "posture-scanner/5.2.0"),
        (
            "etl-warehouse",
            AwsBatch,
            Steady,
            0,
            2.5,
            "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux lang/python#3.12.7",
        ),
        ("lab-cloud", OpenStack, Workdays, 2, 1.5, "openstacksdk/4.7.1 keystoneauth1/5.12.0"),
    ]
};

const PURPOSES: [&str; 10] =
    ["payments", "orders", "ledger", "customers", "invoices", "media", "sessions", "backups", "analytics", "tokens"];
const RINGS: [&str; 4] = ["default", "payments", "customer-data", "platform"];

impl Company {
    pub(crate) fn new() -> Self {
        let people =
            PEOPLE.iter().enumerate().map(|(number, (name, team, office))| person(number, name, *team, *office));
        let services = SERVICES.iter().enumerate().map(|(number, row)| {
            let (name, job, rhythm, office, weight, agent) = *row;
            let bits = mix(0x5e71 + number as u64);
            Service {
                name,
                job,
                rhythm,
                office: &OFFICES[office],
                number,
                iam_id: format!("iam-ServiceId-{}", uuid(bits, mix(bits))),
                api_key: format!("ApiKey-{}", uuid(mix(bits + 1), mix(bits + 2))),
                address: format!("{}{}.{}", OFFICES[office].private_net, 200 + number % 8, 10 + number),
                agent,
                weight,
            }
        });
        let keys =
            (0..OFFICES.len() as u64).map(|office| (0..40).map(|number| key(office, number)).collect()).collect();
        let buckets = (0..32).map(|number| {
            let office = &OFFICES[number % OFFICES.len()];
            let purpose = PURPOSES[number % PURPOSES.len()];
            let stage = ["prod", "prod", "stage"][number % 3];
            Bucket { name: format!("example-{purpose}-{stage}-{}", office.region), office }
        });
        let clusters = vec![
            Cluster {
                name: "prod-us",
                office: &OFFICES[0],
                namespaces: &["payments", "orders", "media", "kube-system"],
            },
            Cluster {
                name: "prod-eu",
                office: &OFFICES[1],
                namespaces: &["payments", "orders", "ledger", "kube-system"],
            },
            Cluster { name: "stage-eu", office: &OFFICES[1], namespaces: &["payments", "orders", "web", "sandbox"] },
            Cluster { name: "prod-tok", office: &OFFICES[3], namespaces: &["customers", "media", "kube-system"] },
        ];
        Self { people: people.collect(), services: services.collect(), keys, buckets: buckets.collect(), clusters }
    }

    /// The keys of an office's region.
    pub(crate) fn keys_of(&self, office: &Office) -> &[Key] {
        let place = OFFICES.iter().position(|known| known.region == office.region).unwrap_or(0);
        &self.keys[place]
    }

    /// The person of this name; the first when there is none.
    pub(crate) fn person(&self, name: &str) -> &Person {
        self.people.iter().find(|person| person.name == name).unwrap_or(&self.people[0])
    }

    /// The service of this name; the first when there is none.
    pub(crate) fn service(&self, name: &str) -> &Service {
        self.services.iter().find(|service| service.name == name).unwrap_or(&self.services[0])
    }
}

fn person(number: usize, name: &'static str, team: Team, office: usize) -> Person {
    let bits = mix(0xa11ce + number as u64);
    let office = &OFFICES[office];
    let first_last = name.to_lowercase().replace(' ', ".");
    Person {
        name,
        email: format!("{first_last}@example.com"),
        team,
        office,
        number,
        iam_id: format!("IBMid-{}00{}", ["27", "31", "55", "66"][number % 4], hex(bits, 0, 6).to_uppercase()),
        okta_id: format!("00u{}", hex(mix(bits), mix(bits + 1), 17)),
        browser: BROWSERS[(bits % 5) as usize],
        tool: TOOLS[(bits / 8 % 4) as usize],
        shift_hours: (bits / 64 % 4) as i64 - 1,
        zeal: 0.5 + (bits / 1024 % 100) as f64 / 80.0,
    }
}

fn key(office: u64, number: u64) -> Key {
    let bits = mix(0xbee5 + office * 1000 + number);
    let is_root = !number.is_multiple_of(4);
    let purpose = PURPOSES[(bits % 10) as usize];
    Key {
        id: uuid(mix(bits + 1), mix(bits + 2)),
        name: format!("{purpose}-{}-{number:02}", if is_root { "root" } else { "data" }),
        ring: RINGS[(bits / 16 % 4) as usize],
        is_root,
        version: uuid(mix(bits + 3), mix(bits + 4)),
    }
}

/// The Key Protect instance of a region.
pub(crate) fn kms_instance(region: &str) -> String {
    let bits = region.bytes().fold(0x6b, |bits, byte| mix(bits ^ u64::from(byte)));
    uuid(bits, mix(bits))
}
