//! Addresses as attackers write them. Each is refused before or after DNS, without a connection.

use super::*;
use async_trait::async_trait;

/// Answers by the first label: `10-0-0-1.example.com` is 10.0.0.1, several joined by `_` are several answers.
#[derive(Debug)]
struct Nip;

#[async_trait]
impl Resolver for Nip {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if host == "localhost" || host.ends_with(".localhost") {
            return Ok(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]);
        }
        if host == "metadata.google.internal" {
            return Ok(vec!["169.254.169.254".parse().unwrap()]);
        }
        let label = host.split('.').next().unwrap_or_default();
        if label == "gone" {
            return Err(std::io::Error::other("no such host"));
        }
        let address = |part: &str| part.replace("-", ".").parse().or_else(|_| part.replace('-', ":").parse()).ok();
        Ok(label.split('_').filter_map(address).collect())
    }
}

fn guard(allow: AllowList) -> Guard {
    Guard::new(allow, Arc::new(Nip))
}

async fn outcome(guard: &Guard, url: &str) -> Result<Vec<String>, ReachError> {
    let (_, reach) = guard.reach(url).await?;
    Ok(reach.addresses.iter().map(ToString::to_string).collect())
}

const HOSTILE: [&str; 82] = [
    // this machine
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.0.0.1./",
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://%31%32%37.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://app.localhost/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[::ffff:0:127.0.0.1]/",
    // metadata of clouds
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://169.254.43518/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fd20:ce::254]/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    // networks inside
    "https://10.0.0.1/",
    "https://10.1/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.254/",
    "https://192.168.1.1/",
    "https://192.168.257/",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    // addresses of nobody
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[2001::1]/",
    // names that lead inside, one answer among good ones
    "https://10-0-0-1.example.com/",
    "https://8-8-8-8_10-0-0-1.example.com/",
    "https://8-8-8-8_169-254-169-254.example.com/",
    "https://8-8-8-8_--1.example.com/",
    "https://--ffff-a00-1.example.com/",
    // other protocols, ports, tricks of reading
    "http://8.8.8.8/",
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://8.8.8.8/",
    "https://8.8.8.8:22/",
    "https://8.8.8.8:6379/",
    "https://8.8.8.8:0/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1\\@8.8.8.8/",
    "https://8.8.8.8:443@10.0.0.1/",
    "https:127.0.0.1/",
];

#[tokio::test]
async fn no_hostile_address_is_reached() {
    let guard = guard(AllowList::default());
    for url in HOSTILE {
        let outcome = outcome(&guard, url).await;
        assert!(matches!(outcome, Err(ReachError::Blocked(_))), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn no_hostile_host_of_syslog_is_reached() {
    let guard = guard(AllowList::default());
    for host in
        ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "[::1]", "10-0-0-1.example.com", "169.254.169.254", ""]
    {
        let outcome = guard.reach_syslog(host, 6514).await;
        assert!(matches!(outcome, Err(ReachError::Blocked(_))), "{host}: {outcome:?}");
    }
    assert!(matches!(
        guard.reach_syslog("8-8-8-8.example.com", 25).await,
        Err(ReachError::Blocked(Blocked::Port { port: 25 }))
    ));
    assert!(guard.reach_syslog("8-8-8-8.example.com", 514).await.is_ok());
}

#[tokio::test]
async fn a_public_receiver_is_reached_at_the_checked_addresses() {
    let guard = guard(AllowList::default());
    for (url, addresses) in [
        ("https://8-8-8-8.example.com/hook", vec!["8.8.8.8:443"]),
        ("https://8-8-8-8_1-1-1-1.example.com:8443/", vec!["8.8.8.8:8443", "1.1.1.1:8443"]),
        ("https://8.8.8.8/", vec!["8.8.8.8:443"]),
        ("https://[2606:4700::1111]/", vec!["[2606:4700::1111]:443"]),
    ] {
        assert_eq!(outcome(&guard, url).await.unwrap(), addresses, "{url}");
    }
    assert!(matches!(outcome(&guard, "https://gone.example.com/").await, Err(ReachError::Unresolved { .. })));
    assert!(matches!(outcome(&guard, "https://none.example.com/").await, Err(ReachError::Unresolved { .. })));
}

#[tokio::test]
async fn the_operator_opens_what_is_needed_and_no_more() {
    let open = guard(AllowList {
        addresses: vec!["10.1.0.0/16".parse().unwrap()],
        hosts: vec![
            "10-2-0-1.example.com".to_owned(),
            "169-254-169-254.example.com".to_owned(),
            "localhost".to_owned(),
        ],
        ports: vec![9000],
        http: true,
    });
    for url in [
        "https://10.1.2.3/",
        "https://[::ffff:10.1.2.3]/",
        "https://10-1-2-3.example.com:9000/",
        "http://10-2-0-1.example.com/",
        "http://10-2-0-1.EXAMPLE.com./",
        "http://localhost:9000/",
    ] {
        assert!(outcome(&open, url).await.is_ok(), "{url}");
    }
    for url in [
        "https://10.2.0.1/",
        "https://10-1-2-3_10-3-0-1.example.com/",
        "https://169-254-169-254.example.com/",
        "https://127.0.0.1/",
        "https://10.1.2.3:9001/",
        "https://10.1.2.3:80/",
    ] {
        assert!(matches!(outcome(&open, url).await, Err(ReachError::Blocked(_))), "{url}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_what_a_name_led_to() {
    let refused = outcome(&guard(AllowList::default()), "https://10-0-0-1.example.com/").await.unwrap_err();
    assert!(!refused.to_string().contains("10.0.0.1"), "{refused}");
}
