use std::path::Path;

use super::*;

const SECRET: &str = "0123456789abcdef";

/// A directory of its own for each test, with files that exist.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Self {
        let name = format!("herenow-cluster-config-{}-{test}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Option<PathBuf> {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        Some(file)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn cluster(text: &str) -> ClusterOptions {
    ClusterOptions {
        node: Some("node-1".into()),
        cluster: Some(text.into()),
        ..ClusterOptions::default()
    }
}

fn config(options: &ClusterOptions) -> ClusterConfig {
    ClusterConfig::from_options(options).unwrap()
}

fn zenoh(options: &ClusterOptions) -> ZenohConfig {
    match config(options).engine {
        Engine::Zenoh(zenoh) => zenoh,
        other => panic!("{other:?}"),
    }
}

/// The mistake as one line; it must name `flag` and contain all `parts`.
#[track_caller]
fn mistake(options: &ClusterOptions, flag: &str, parts: &[&str]) {
    let line = ClusterConfig::from_options(options)
        .unwrap_err()
        .to_string();
    assert!(line.starts_with(&format!("{flag}: ")), "{line}");
    assert!(!line.contains('\n'), "{line}");
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

#[test]
fn without_flags_a_node_is_alone() {
    assert_eq!(config(&ClusterOptions::default()).engine, Engine::Local);
}

#[test]
fn seeds_make_a_zenoh_cluster_that_listens_on_the_usual_port() {
    let zenoh = zenoh(&cluster("tcp/a:1, tcp/[::1]:2,"));
    assert_eq!(zenoh.seeds, ["tcp/a:1", "tcp/[::1]:2"]);
    assert_eq!(zenoh.listen, "tcp/0.0.0.0:7447");
    assert!(!zenoh.multicast && zenoh.tls.is_none());
}

#[test]
fn the_first_node_of_a_cluster_only_listens() {
    let options = ClusterOptions {
        cluster: None,
        listen: Some("tcp/127.0.0.1:7000".into()),
        ..cluster("")
    };
    let zenoh = zenoh(&options);
    assert_eq!(zenoh.listen, "tcp/127.0.0.1:7000");
    assert_eq!(zenoh.seeds, [""; 0]);
}

#[test]
fn multicast_is_asked_for_by_its_name() {
    let alone = zenoh(&cluster("multicast"));
    assert!(alone.multicast && alone.seeds.is_empty());
    let both = zenoh(&cluster("tcp/a:1,multicast"));
    assert!(both.multicast);
    assert_eq!(both.seeds, ["tcp/a:1"]);
}

#[test]
fn nats_urls_make_a_nats_cluster_and_their_passwords_are_not_shown() {
    let config = config(&cluster("nats://user:pa@ss@a:4222,tls://b"));
    let shown = format!("{config:?}");
    assert!(
        shown.contains("nats://***@a:4222") && !shown.contains("pa@ss"),
        "{shown}"
    );
    let Engine::Nats(nats) = config.engine else {
        panic!("{config:?}")
    };
    assert_eq!(nats.servers, ["nats://user:pa@ss@a:4222", "tls://b"]);
}

#[test]
fn a_secret_is_the_content_of_its_file_without_the_last_newline() {
    let files = Files::new("secret");
    let options = ClusterOptions {
        secret_file: files.write("secret", format!("{SECRET}\r\n")),
        ..cluster("tcp/a:1")
    };
    let config = config(&options);
    assert_eq!(config.secret, Some(Secret::new(SECRET.into())));
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn tls_files_make_mutual_tls_and_move_the_default_address() {
    let files = Files::new("tls");
    let options = ClusterOptions {
        tls_ca: files.write("ca", ""),
        tls_cert: files.write("cert", ""),
        tls_key: files.write("key", ""),
        ..cluster("tls/a:1")
    };
    let zenoh = zenoh(&options);
    assert_eq!(zenoh.listen, "tls/0.0.0.0:7447");
    let tls = zenoh.tls.unwrap();
    assert!(tls.identity.is_some() && !tls.any_name);
}

#[test]
fn a_bad_address_is_quoted_with_an_example_of_a_good_one() {
    for bad in [
        "tcp/a",
        "tcp/a:",
        "tcp/:1",
        "tcp/a:70000",
        "a:1",
        "udp/a:1",
        "tcp/::1:1",
        "tcp/[a]:1",
        "tcp/a b:1",
    ] {
        mistake(&cluster(bad), "--cluster", &[bad, "tcp/10.0.0.7:7447"]);
        let listen = ClusterOptions {
            listen: Some(bad.into()),
            ..cluster("tcp/a:1")
        };
        mistake(&listen, "--cluster-listen", &[bad]);
    }
    mistake(&cluster(" , "), "--cluster", &["nats://10.0.0.7:4222"]);
}

#[test]
fn nats_and_zenoh_do_not_mix() {
    for bad in ["nats://a,tcp/b:1", "nats://", "http://a", "nats://user:pw@"] {
        mistake(&cluster(bad), "--cluster", &["nats://10.0.0.7:4222"]);
    }
    let listening = ClusterOptions {
        listen: Some("tcp/0.0.0.0:1".into()),
        ..cluster("nats://a")
    };
    mistake(&listening, "--cluster-listen", &["do not listen"]);
    let error = ClusterConfig::from_options(&cluster("nats://u:hidden@a,tcp/u:hidden@b:1"));
    assert!(!error.unwrap_err().to_string().contains("hidden"));
}

#[test]
fn names_are_required_in_a_cluster_and_checked() {
    let nameless = ClusterOptions {
        node: None,
        ..cluster("tcp/a:1")
    };
    mistake(&nameless, "--node", &["node-1"]);
    for bad in ["", "a/b", "ü", "a b", "*", &"x".repeat(MAX_NAME_BYTES + 1)] {
        let node = ClusterOptions {
            node: Some(bad.into()),
            ..ClusterOptions::default()
        };
        mistake(&node, "--node", &[bad, "1 to 64"]);
        let name = ClusterOptions {
            name: Some(bad.into()),
            ..ClusterOptions::default()
        };
        mistake(&name, "--cluster-name", &[bad]);
    }
    assert_eq!(check_name(&"x".repeat(MAX_NAME_BYTES)), Ok(()));
}

#[test]
fn a_secret_that_is_missing_short_or_long_is_refused_with_a_way_to_make_one() {
    let files = Files::new("bad-secret");
    let missing = Some(Path::new("/does/not/exist").to_owned());
    let long = vec![b'x'; MAX_SECRET_BYTES + 1];
    let cases = [
        (missing, "/does/not/exist"),
        (files.write("short", &SECRET[1..]), "openssl rand"),
        (files.write("long", long), "openssl rand"),
    ];
    for (secret_file, part) in cases {
        let options = ClusterOptions {
            secret_file,
            ..cluster("tcp/a:1")
        };
        mistake(&options, "--cluster-secret-file", &[part]);
    }
}

#[test]
fn half_a_set_of_tls_files_names_the_other_half() {
    let files = Files::new("half");
    let file = || files.write("file", "");
    let base = cluster("tls/a:1");
    mistake(
        &base,
        "--cluster",
        &["--cluster-tls-ca", "--cluster-tls-key"],
    );
    let only = |ca, cert, key| ClusterOptions {
        tls_ca: ca,
        tls_cert: cert,
        tls_key: key,
        ..base.clone()
    };
    mistake(
        &only(file(), None, None),
        "--cluster",
        &["--cluster-tls-cert"],
    );
    mistake(&only(file(), file(), None), "--cluster-tls-key", &[]);
    mistake(&only(file(), None, file()), "--cluster-tls-cert", &[]);
    mistake(&only(None, file(), file()), "--cluster-tls-ca", &[]);
    let missing = Some(PathBuf::from("/does/not/exist"));
    mistake(
        &only(missing, file(), file()),
        "--cluster-tls-ca",
        &["/does/not/exist"],
    );
    let any_name = ClusterOptions {
        tls_any_name: true,
        ..cluster("tcp/a:1")
    };
    mistake(&any_name, "--cluster-tls-any-name", &["--cluster-tls-ca"]);
}

#[test]
fn with_tls_files_nothing_travels_in_the_clear_by_mistake() {
    let files = Files::new("clear");
    let options = ClusterOptions {
        tls_ca: files.write("ca", ""),
        tls_cert: files.write("cert", ""),
        tls_key: files.write("key", ""),
        ..cluster("tcp/a:1")
    };
    mistake(&options, "--cluster", &["tls/a:1"]);
    let listen = ClusterOptions {
        cluster: Some("tls/a:1".into()),
        listen: Some("tcp/0.0.0.0:1".into()),
        ..options
    };
    mistake(&listen, "--cluster-listen", &["tls/0.0.0.0:1"]);
}

#[test]
fn what_protects_a_cluster_is_not_silently_ignored_without_one() {
    let alone = ClusterOptions {
        secret_file: Some("/some/file".into()),
        ..ClusterOptions::default()
    };
    mistake(&alone, "--cluster-secret-file", &["--cluster"]);
    let credentials = ClusterOptions {
        credentials_file: Some("/some/file".into()),
        ..cluster("tcp/a:1")
    };
    mistake(&credentials, "--cluster-credentials-file", &["NATS"]);
}

#[test]
fn an_address_reads_as_it_is_written() {
    for text in ["tcp/a.b-c:1", "tls/10.0.0.7:7447", "tcp/[::1]:2"] {
        let seed: Seed = text.parse().unwrap();
        assert_eq!(seed.to_string(), text);
    }
    let seed: Seed = "tls/name:5".parse().unwrap();
    assert_eq!(seed.address(), None);
    let resolved = seed.at("[::1]:5".parse().unwrap());
    assert_eq!(resolved.to_string(), "tls/[::1]:5");
    assert_eq!(resolved.address(), Some("::1".parse().unwrap()));
}
