//! The listening socket, and what to do when it cannot be had.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that may wait to be accepted: enough for every browser of a busy site to come back at
/// the same moment. The system may cap it (on Linux at `net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Listens on the first address of `host_and_port`, which `flag` gave, that can be had. The error is one
/// line for the person who started the server.
pub(crate) async fn listen(flag: &str, host_and_port: &str) -> Result<TcpListener, String> {
    let addresses = lookup_host(host_and_port)
        .await
        .map_err(|error| format!("{flag} {host_and_port}: the host is not known here ({error})"))?;
    let mut refusal = format!("{flag} {host_and_port}: the host has no address");
    for address in addresses {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => refusal = explain(flag, address, &error),
        }
    }
    Err(refusal)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Accepted sockets inherit it: without it, a small frame may wait for the acknowledgement of the frame
    // before.
    socket.set_nodelay(true)?;
    // A restarted server gets its port back while old connections linger. (On Windows the option
    // means something else: two servers on one port.)
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn explain(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} of {ip} is in use by another program; stop that one, or choose another port \
             with {flag} (port 0 takes a free one)"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "port {port} needs more rights than this user has; choose one above 1023 with {flag}"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{ip} is not an address of this machine; {flag} 0.0.0.0:{port} listens on all that it has"
        ),
        _ => format!("{flag} {address}: {error}"),
    }
}
