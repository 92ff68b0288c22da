//! Signals to processes that this program has started. Where there are none, nothing happens.

/// What a process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To stop, as a service manager does.
    Terminate,
    /// To hold still.
    Pause,
    /// To go on.
    Continue,
}

/// Sends a signal. The process may have ended already.
#[cfg(unix)]
pub(crate) fn send(signal: Signal, pid: u32) {
    use rustix::process::{Pid, Signal as Unix, kill_process};
    let signal = match signal {
        Signal::Terminate => Unix::TERM,
        Signal::Pause => Unix::STOP,
        Signal::Continue => Unix::CONT,
    };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
pub(crate) fn send(_: Signal, _: u32) {}
