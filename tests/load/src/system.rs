//! What the operating system grants one process: open files, and ports to connect from.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::error::Error;

/// Files that a run needs besides one for each client: the runtime's own, standard streams, `/proc`.
const SPARE_FILES: u64 = 64;

/// The share of the ephemeral ports of one source address that a run takes; the rest is for others.
const PORTS_SHARE: usize = 90;

/// Sees to it that `sockets` can be open at once. Returns what was changed, in words.
pub(crate) fn allow_sockets(sockets: usize) -> Result<Option<String>, Error> {
    let wanted = u64::try_from(sockets).unwrap_or(u64::MAX) + SPARE_FILES;
    raise_open_files(wanted)
}

#[cfg(unix)]
fn raise_open_files(wanted: u64) -> Result<Option<String>, Error> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < wanted) else {
        return Ok(None);
    };
    let maximum = limit.maximum;
    let raised = Rlimit {
        current: Some(wanted),
        maximum: maximum.map(|maximum| maximum.max(wanted)),
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => Ok(Some(format!(
            "raised the limit of open files from {current} to {wanted}"
        ))),
        Err(_) => {
            let most = maximum.unwrap_or(current);
            Err(Error::settings(format!(
                "this takes {wanted} open files, and the system allows this process {most}: fewer \
                 clients (at most {}), or a higher hard limit (`ulimit -Hn`)",
                most.saturating_sub(SPARE_FILES)
            )))
        }
    }
}

#[cfg(not(unix))]
fn raise_open_files(_wanted: u64) -> Result<Option<String>, Error> {
    Ok(None)
}

/// The addresses that connections come from. One address has some 28,000 ports to connect to one server
/// with; a loopback target is reached from all of 127.0.0.0/8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    per_address: usize,
}

impl Sources {
    pub(crate) fn new() -> Self {
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        let ports = range.ok().and_then(|range| ports(&range));
        // Where the system does not say: IANA's ephemeral ports.
        let ports = ports.unwrap_or(65_535 - 49_152);
        Self {
            per_address: (ports * PORTS_SHARE / 100).max(1),
        }
    }

    /// Whether `sockets` connections to this address can be had.
    pub(crate) fn check(self, target: SocketAddr, sockets: usize) -> Result<(), Error> {
        let most = match target.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => self.per_address * 250,
            _ => self.per_address,
        };
        if sockets <= most {
            return Ok(());
        }
        Err(Error::settings(format!(
            "{sockets} connections to {target} need more ports than this machine has for it ({most}); \
             an address 127.0.0.x is reached from many source addresses"
        )))
    }

    /// Opens connection number `number` of all that go to `target`, with a receive buffer of so many bytes.
    pub(crate) async fn connect(
        self,
        target: SocketAddr,
        number: usize,
        buffer: Option<u32>,
    ) -> io::Result<TcpStream> {
        let socket = match target {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(source) = self.source(target, number) {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_nodelay(true)?;
        socket.connect(target).await
    }

    /// The first connections leave the choice to the system; the next come from 127.0.0.2, and so on.
    fn source(self, target: SocketAddr, number: usize) -> Option<IpAddr> {
        let index = u8::try_from(number / self.per_address).ok()?;
        let loopback = target.ip().is_ipv4() && target.ip().is_loopback();
        let source = Ipv4Addr::new(127, 0, 0, index.checked_add(1)?);
        (loopback && index > 0).then_some(IpAddr::V4(source))
    }
}

fn ports(range: &str) -> Option<usize> {
    let mut ends = range.split_whitespace().map(str::parse::<usize>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    last.checked_sub(first).map(|ports| ports + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_beyond_the_ports_of_one_address_come_from_the_next() {
        let sources = Sources { per_address: 10 };
        let loopback = "127.0.0.1:4000".parse().unwrap();
        let from = |number| sources.source(loopback, number).map(|ip| ip.to_string());
        assert_eq!(from(0), None);
        assert_eq!(from(9), None);
        assert_eq!(from(10).as_deref(), Some("127.0.0.2"));
        assert_eq!(from(29).as_deref(), Some("127.0.0.3"));
        assert!(sources.check(loopback, 2_500).is_ok());
        assert!(sources.check(loopback, 2_501).is_err());
    }

    #[test]
    fn other_addresses_are_reached_from_one_address_only() {
        let sources = Sources { per_address: 10 };
        for target in ["192.0.2.1:4000", "[::1]:4000"] {
            let target = target.parse().unwrap();
            assert_eq!(sources.source(target, 10), None);
            assert!(sources.check(target, 11).is_err());
        }
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_address_that_was_chosen() {
        let sources = Sources { per_address: 1 };
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = server.local_addr().unwrap();
        let _client = sources.connect(target, 2, None).await.unwrap();
        let (_, from) = server.accept().await.unwrap();
        assert_eq!(from.ip().to_string(), "127.0.0.3");
    }

    #[test]
    fn the_port_range_is_read_as_linux_writes_it() {
        assert_eq!(ports("32768\t60999\n"), Some(28_232));
        assert_eq!(ports(""), None);
    }

    #[test]
    fn more_files_than_the_system_allows_are_refused_with_the_number_that_is_allowed() {
        let refused = allow_sockets(usize::MAX / 2).unwrap_err().to_string();
        assert!(refused.contains("ulimit -Hn"), "{refused}");
    }
}
