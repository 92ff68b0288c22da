//! How many files this process may have open, and with them how many connections.
//!
//! Systems set the soft limit low (1,024 in most) for programs that use `select`, and let each process
//! raise it up to its hard limit. A server that did not would refuse its thousandth client for nothing.

/// Raises the soft limit to the hard limit, and logs what that allows.
pub(crate) fn allow_all() {
    #[cfg(unix)]
    raise();
}

#[cfg(unix)]
fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let (Some(soft), Some(hard)) = (limit.current, limit.maximum) else {
        return;
    };
    if soft >= hard {
        return tracing::info!("up to {hard} files, and so connections, may be open");
    }
    let raised = Rlimit {
        current: Some(hard),
        maximum: Some(hard),
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::info!(
            "up to {hard} files, and so connections, may be open: the limit was {soft} and is raised"
        ),
        Err(error) => tracing::warn!(
            "only {soft} files, and so connections, may be open: the limit cannot be raised to {hard} ({error})"
        ),
    }
}
