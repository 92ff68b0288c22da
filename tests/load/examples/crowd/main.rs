//! The server that `herenow bench URL bigroom` is made for, at the address that is its argument:
//! `cargo run --release -p herenow-load --example crowd -- 127.0.0.1:4000`.

mod channel;

use std::io;
use std::net::SocketAddr;

use channel::CrowdChannel;
use herenow::{Endpoint, Limits, Presence, PubSub};
use tokio::net::{TcpListener, TcpSocket};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = listen(std::env::args().nth(1).as_deref())?;
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub).start();
    let endpoint = Endpoint::builder(&pubsub)
        .channel("room:*", move || CrowdChannel(presence.clone()))
        .limits(Limits {
            // The list of 100,000 members has several megabytes, and has to fit beside what waits already.
            max_queue_bytes: 32 << 20,
            ..Limits::default()
        })
        .build();
    // As the first line of the binary, for programs that start it on port 0.
    eprintln!("listening on http://{}", listener.local_addr()?);
    warp::serve(endpoint.routes("socket"))
        .incoming(listener)
        .run()
        .await;
    Ok(())
}

/// As the binary does it: small frames are not held back, and many may knock at once.
fn listen(address: Option<&str>) -> io::Result<TcpListener> {
    let address: SocketAddr = address
        .unwrap_or("127.0.0.1:0")
        .parse()
        .map_err(io::Error::other)?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}
