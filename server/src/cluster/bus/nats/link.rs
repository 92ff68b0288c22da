//! The connection to the NATS servers: how it is made, and what it says about itself.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::super::OpenError;
use super::super::config::{ClusterConfig, NatsConfig, without_password};
use super::super::node::Node;

/// A server that does not answer for about two of these is given up for another, or for itself again.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// How long connecting to one server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many commands may wait for the connection, and how many messages of one subscription for us.
/// Both are emptied at once; these bound what a hiccup costs.
const COMMANDS: usize = 256;
const MESSAGES: usize = 4096;

/// Connects, and goes on trying for ever if no server is there. Each change from or to "connected" is
/// seen through the receiver.
pub(super) async fn connect(
    config: &ClusterConfig,
    settings: &NatsConfig,
    node: &Arc<Node>,
) -> Result<(Client, watch::Receiver<bool>), OpenError> {
    let mut servers = Vec::new();
    let mut logins = Vec::new();
    for url in &settings.servers {
        servers.push(server(url)?);
        logins.extend(login(url));
    }
    logins.dedup();
    let (connected, watched) = watch::channel(false);
    let reporter = Arc::new(Reporter {
        connected,
        node: Arc::clone(node),
        last: Mutex::default(),
    });
    let mut options = ConnectOptions::new()
        .name(format!("herenow {} {}", config.name, node.me))
        .no_echo()
        .retry_on_initial_connect()
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .client_capacity(COMMANDS)
        .subscription_capacity(MESSAGES)
        .event_callback(move |event| {
            let reporter = Arc::clone(&reporter);
            async move { reporter.report(&event) }
        });
    options = match &logins[..] {
        [] => options,
        [Login::User(user, password)] => options.user_and_password(user.clone(), password.clone()),
        [Login::Token(token)] => options.token(token.clone()),
        _ => {
            let problem = "--cluster: give the same user and password in all URLs that have one";
            return Err(OpenError::new(problem));
        }
    };
    if let Some(file) = &settings.credentials {
        let unusable = |error| {
            let file = file.display();
            OpenError::new(format!("--cluster-credentials-file: {file}: {error}"))
        };
        let credentials = tokio::fs::read_to_string(file).await.map_err(unusable)?;
        options = options.credentials(&credentials).map_err(unusable)?;
    }
    if let Some(tls) = &settings.tls {
        options = options
            .require_tls(true)
            .add_root_certificates(tls.ca.clone());
        if let Some((cert, key)) = &tls.identity {
            options = options.add_client_certificate(cert.clone(), key.clone());
        }
    }
    let client = options.connect(servers).await;
    let client = client.map_err(|error| OpenError::new(format!("--cluster: NATS: {error}")))?;
    Ok((client, watched))
}

fn server(url: &str) -> Result<ServerAddr, OpenError> {
    ServerAddr::from_str(url).map_err(|error| {
        let url = without_password(url);
        OpenError::new(format!(
            "--cluster: {url:?}: {error}; give a URL like nats://10.0.0.7:4222"
        ))
    })
}

/// Who a URL says we are.
#[derive(Debug, PartialEq, Eq)]
enum Login {
    User(String, String),
    Token(String),
}

/// The client does not read this from URLs.
fn login(url: &str) -> Option<Login> {
    let (_, rest) = url.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    Some(match login.split_once(':') {
        Some((user, password)) => Login::User(unescape(user), unescape(password)),
        None => Login::Token(unescape(login)),
    })
}

/// `%40` is `@` in a URL; what is not escaped properly stands for itself.
fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).map(|code| u8::from_str_radix(code, 16));
        match code {
            Some(Ok(byte)) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            _ => {
                bytes.push(b'%');
                bytes.extend(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Turns what the connection says into log lines: each once until something else happens.
struct Reporter {
    connected: watch::Sender<bool>,
    node: Arc<Node>,
    last: Mutex<String>,
}

impl Reporter {
    fn report(&self, event: &Event) {
        if let Event::SlowConsumer(_) = event {
            // At least this one; the client does not tell of every message that it dropped.
            self.node.gate.counters().dropped_incoming();
            return;
        }
        let news = self.is_news(&event.to_string());
        match event {
            Event::Connected => {
                info!("cluster: connected to NATS");
                self.connected.send_replace(true);
            }
            Event::Disconnected => {
                warn!("cluster: lost the connection to NATS; tries again until it is back");
                self.connected.send_replace(false);
            }
            Event::Closed => {
                self.connected.send_replace(false);
            }
            Event::ServerError(_) | Event::ClientError(_) if news => {
                warn!("cluster: NATS: {event}");
            }
            _ => debug!("cluster: NATS: {event}"),
        }
    }

    fn is_news(&self, text: &str) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *last != text;
        if news {
            text.clone_into(&mut last);
        }
        news
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_login_is_read_from_a_url_with_its_escapes_undone() {
        let user = |name: &str, password: &str| Some(Login::User(name.into(), password.into()));
        assert_eq!(login("nats://a:4222"), None);
        assert_eq!(login("nats://me:pw@a:4222"), user("me", "pw"));
        assert_eq!(login("tls://me:p%40%3a%C3%BC@a"), user("me", "p@:ü"));
        assert_eq!(login("nats://me:100%@a"), user("me", "100%"));
        assert_eq!(login("nats://me:p%zz%4@a"), user("me", "p%zz%4"));
        assert_eq!(login("nats://me:%ü@a"), user("me", "%ü"));
        assert_eq!(
            login("nats://s3cr3t@a"),
            Some(Login::Token("s3cr3t".into()))
        );
    }
}
