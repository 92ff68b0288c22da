//! `cargo xtask run`: the demo, from a fresh clone to a page in the browser. Needs Rust and nothing else.

use std::{ffi::OsString, io::ErrorKind, net::TcpListener};

use anyhow::{Result, bail};

use crate::{
    command::cmd,
    package, server,
    workspace::{package_dir, root},
};

/// Builds what the demo needs and serves it on `port` until Ctrl-C. `more` goes to `herenow serve`.
pub(crate) fn run(port: u16, more: &[OsString]) -> Result<()> {
    check_port(port)?;
    package::build(false)?;
    let server = server::build(false)?;
    println!(
        "\nOpen the first in two tabs and the second in one, and watch them see each other:\n\
         \n    http://localhost:{port}/?name=Alice\
         \n    http://localhost:{port}/?name=Bob\n\
         \nCtrl-C stops the server.\n"
    );
    let listen = format!("127.0.0.1:{port}");
    cmd(server, ["serve", "--listen", &listen])
        .args([
            "--www".into(),
            root().join("www"),
            "--client".into(),
            package_dir(),
        ])
        .args(more)
        .replace_self()
}

/// Tells of a taken port now rather than after the build.
pub(crate) fn check_port(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} is taken: stop what listens there, or choose another, like `--port {}`",
            if port == u16::MAX { port - 1 } else { port + 1 }
        ),
        Err(error) => bail!("cannot listen on port {port}: {error}; choose another with --port"),
    }
}
