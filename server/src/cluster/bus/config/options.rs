//! From the values of the command line to a [`ClusterConfig`], or to one line that says what is wrong.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{
    ClusterConfig, DEFAULT_CLUSTER, DEFAULT_ZENOH_PORT, Engine, Limits, MAX_SECRET_BYTES,
    MIN_SECRET_BYTES, NatsConfig, Secret, Seed, Tls, ZenohConfig, check_name, without_password,
};

/// The values of the flags that describe a cluster, as they were given. None of them is needed for a
/// node that is alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// `--node`: the name of this node, unique in its cluster.
    pub node: Option<String>,
    /// `--cluster`: `tcp/host:port,…` or `tls/host:port,…` (zenoh; the word `multicast` may be among
    /// them), or `nats://…` or `tls://…`, separated by commas.
    pub cluster: Option<String>,
    /// `--cluster-listen`: where a zenoh node listens for others, like `tcp/0.0.0.0:7447`. Given without
    /// `--cluster`, this is a cluster's first node.
    pub listen: Option<String>,
    /// `--cluster-name`.
    pub name: Option<String>,
    /// `--cluster-secret-file`: the file with the secret.
    pub secret_file: Option<PathBuf>,
    /// `--cluster-tls-ca`: PEM file of the authorities whose certificates are accepted.
    pub tls_ca: Option<PathBuf>,
    /// `--cluster-tls-cert`: PEM file of this node's certificate.
    pub tls_cert: Option<PathBuf>,
    /// `--cluster-tls-key`: PEM file of the key to it.
    pub tls_key: Option<PathBuf>,
    /// `--cluster-tls-any-name`: accept any name in a certificate of that authority.
    pub tls_any_name: bool,
    /// `--cluster-credentials-file`: credentials for NATS.
    pub credentials_file: Option<PathBuf>,
}

/// What is wrong with the description of a cluster, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The flag that has to be changed.
    pub flag: &'static str,
    /// What was wrong with it, and what would be right.
    pub problem: String,
}

impl ConfigError {
    fn new(flag: &'static str, problem: impl Into<String>) -> Self {
        Self {
            flag,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.flag, self.problem)
    }
}

impl std::error::Error for ConfigError {}

const CLUSTER: &str = "--cluster";
const LISTEN: &str = "--cluster-listen";
const SECRET_FILE: &str = "--cluster-secret-file";
const TLS_CA: &str = "--cluster-tls-ca";
const TLS_CERT: &str = "--cluster-tls-cert";
const TLS_KEY: &str = "--cluster-tls-key";
const TLS_ANY_NAME: &str = "--cluster-tls-any-name";
const CREDENTIALS_FILE: &str = "--cluster-credentials-file";
const MULTICAST: &str = "multicast";

impl ClusterConfig {
    /// Makes sense of what the command line said. Reads the secret's file; all other files are only
    /// checked to be there.
    pub fn from_options(options: &ClusterOptions) -> Result<Self, ConfigError> {
        let engine = engine(options)?;
        Ok(Self {
            node: node(options, &engine)?,
            name: named("--cluster-name", options.name.as_deref(), DEFAULT_CLUSTER)?,
            secret: options.secret_file.as_deref().map(secret).transpose()?,
            engine,
            limits: Limits::default(),
        })
    }
}

fn node(options: &ClusterOptions, engine: &Engine) -> Result<String, ConfigError> {
    if options.node.is_none() && *engine != Engine::Local {
        let problem = "a node of a cluster needs a name, unique in the cluster, like node-1";
        return Err(ConfigError::new("--node", problem));
    }
    named("--node", options.node.as_deref(), "local")
}

fn named(flag: &'static str, given: Option<&str>, default: &str) -> Result<String, ConfigError> {
    let name = given.unwrap_or(default);
    check_name(name).map_err(|remedy| ConfigError::new(flag, format!("{name:?}: {remedy}")))?;
    Ok(name.to_owned())
}

fn secret(file: &Path) -> Result<Secret, ConfigError> {
    let wrong =
        |problem: String| ConfigError::new(SECRET_FILE, format!("{}: {problem}", file.display()));
    let mut bytes = Vec::new();
    let limit = MAX_SECRET_BYTES as u64 + 1;
    std::fs::File::open(file)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| wrong(format!("{error}; give a file that can be read")))?;
    // An editor's or echo's newline is not meant to be part of it.
    while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        bytes.pop();
    }
    let range = MIN_SECRET_BYTES..=MAX_SECRET_BYTES;
    if !range.contains(&bytes.len()) {
        return Err(wrong(format!(
            "a secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, like that of `openssl rand -hex 32`"
        )));
    }
    Ok(Secret::new(bytes))
}

fn engine(options: &ClusterOptions) -> Result<Engine, ConfigError> {
    let parts = options.cluster.as_deref().map(list).unwrap_or_default();
    if parts.iter().any(|part| part.contains("://")) {
        return nats(options, &parts).map(Engine::Nats);
    }
    if parts.is_empty() && options.cluster.is_some() {
        let problem =
            "give addresses of other nodes, like tcp/10.0.0.7:7447, or nats://10.0.0.7:4222";
        return Err(ConfigError::new(CLUSTER, problem));
    }
    if parts.is_empty() && options.listen.is_none() {
        return alone(options);
    }
    refuse_file(
        CREDENTIALS_FILE,
        &options.credentials_file,
        "only NATS has credentials; leave it out",
    )?;
    zenoh(options, &parts).map(Engine::Zenoh)
}

fn list(text: &str) -> Vec<&str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// What only makes sense in a cluster is a mistake without one, and an insecure one if it passed.
fn alone(options: &ClusterOptions) -> Result<Engine, ConfigError> {
    let files = [
        (SECRET_FILE, &options.secret_file),
        (TLS_CA, &options.tls_ca),
        (TLS_CERT, &options.tls_cert),
        (TLS_KEY, &options.tls_key),
        (CREDENTIALS_FILE, &options.credentials_file),
    ];
    for (flag, file) in files {
        refuse_file(
            flag,
            file,
            "there is no cluster; give --cluster or --cluster-listen too",
        )?;
    }
    Ok(Engine::Local)
}

fn refuse_file(flag: &'static str, file: &Option<PathBuf>, why: &str) -> Result<(), ConfigError> {
    match file {
        Some(_) => Err(ConfigError::new(flag, why)),
        None => Ok(()),
    }
}

fn zenoh(options: &ClusterOptions, parts: &[&str]) -> Result<ZenohConfig, ConfigError> {
    let seeds: Vec<Seed> = parts
        .iter()
        .filter(|part| **part != MULTICAST)
        .map(|part| seed(CLUSTER, part))
        .collect::<Result<_, _>>()?;
    let tls = tls(options)?;
    let listen = match &options.listen {
        Some(listen) => seed(LISTEN, listen)?,
        None => Seed {
            tls: tls.is_some(),
            host: "0.0.0.0".into(),
            port: DEFAULT_ZENOH_PORT,
        },
    };
    let given = seeds
        .iter()
        .map(|seed| (CLUSTER, seed))
        .chain([(LISTEN, &listen)]);
    for (flag, address) in given {
        if let Some(problem) = tls_mismatch(address, tls.as_ref()) {
            return Err(ConfigError::new(flag, problem));
        }
    }
    Ok(ZenohConfig {
        seeds: seeds.iter().map(ToString::to_string).collect(),
        listen: listen.to_string(),
        multicast: parts.contains(&MULTICAST),
        tls,
    })
}

fn seed(flag: &'static str, text: &str) -> Result<Seed, ConfigError> {
    text.parse()
        .map_err(|remedy| ConfigError::new(flag, format!("{text:?}: {remedy}")))
}

fn tls_mismatch(address: &Seed, tls: Option<&Tls>) -> Option<String> {
    let has_identity = tls.is_some_and(|tls| tls.identity.is_some());
    if address.tls && !has_identity {
        Some(format!(
            "\"{address}\": TLS needs {TLS_CA}, {TLS_CERT} and {TLS_KEY}: nodes connect in both directions"
        ))
    } else if !address.tls && tls.is_some() {
        let encrypted = Seed {
            tls: true,
            ..address.clone()
        };
        Some(format!(
            "\"{address}\": would not be encrypted; with TLS files, write \"{encrypted}\""
        ))
    } else {
        None
    }
}

fn tls(options: &ClusterOptions) -> Result<Option<Tls>, ConfigError> {
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Some((there(TLS_CERT, cert)?, there(TLS_KEY, key)?)),
        (None, None) => None,
        (Some(_), None) => {
            return Err(ConfigError::new(
                TLS_KEY,
                "give the key to the certificate too",
            ));
        }
        (None, Some(_)) => {
            return Err(ConfigError::new(
                TLS_CERT,
                "give the certificate to the key too",
            ));
        }
    };
    match &options.tls_ca {
        Some(ca) => Ok(Some(Tls {
            ca: there(TLS_CA, ca)?,
            identity,
            any_name: options.tls_any_name,
        })),
        None if identity.is_some() => Err(ConfigError::new(
            TLS_CA,
            "give the authority that signs the certificates of others too",
        )),
        None if options.tls_any_name => Err(ConfigError::new(
            TLS_ANY_NAME,
            format!("means nothing without {TLS_CA}"),
        )),
        None => Ok(None),
    }
}

/// The file, if it can be opened.
fn there(flag: &'static str, file: &Path) -> Result<PathBuf, ConfigError> {
    match std::fs::File::open(file) {
        Ok(_) => Ok(file.to_owned()),
        Err(error) => {
            let problem = format!("{}: {error}; give a file that can be read", file.display());
            Err(ConfigError::new(flag, problem))
        }
    }
}

fn nats(options: &ClusterOptions, parts: &[&str]) -> Result<NatsConfig, ConfigError> {
    for url in parts {
        let known = ["nats://", "tls://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme));
        let host = known.map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
        if host.is_none_or(str::is_empty) {
            let url = without_password(url);
            let problem =
                format!("{url:?}: give only URLs of NATS servers, like nats://10.0.0.7:4222");
            return Err(ConfigError::new(CLUSTER, problem));
        }
    }
    if options.listen.is_some() {
        return Err(ConfigError::new(
            LISTEN,
            "nodes that use NATS do not listen; leave it out",
        ));
    }
    if options.tls_any_name {
        return Err(ConfigError::new(
            TLS_ANY_NAME,
            "a NATS server's certificate must have its name; leave it out",
        ));
    }
    let credentials = options.credentials_file.as_deref();
    Ok(NatsConfig {
        servers: parts.iter().map(|&url| url.to_owned()).collect(),
        credentials: credentials
            .map(|file| there(CREDENTIALS_FILE, file))
            .transpose()?,
        tls: tls(options)?,
    })
}
