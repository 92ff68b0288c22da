//! What a process has used, as Linux's `/proc` tells it. Elsewhere nothing is known, and nothing reported.

use std::fs;
use std::time::Duration;

use crate::error::Error;

/// A process on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pid: u32,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In user and system mode, all threads together.
    pub(crate) cpu: Duration,
    /// Memory in RAM now, in bytes.
    pub(crate) resident: u64,
    /// The most that it had been, since the start or the last reset.
    pub(crate) peak: u64,
}

impl Process {
    /// The process with this id, which must be there.
    pub(crate) fn new(pid: u32) -> Result<Self, Error> {
        let process = Self { pid };
        process.usage().map(|_| process)
    }

    /// This process, where that can be told.
    pub(crate) fn own() -> Option<Self> {
        Self::new(std::process::id()).ok()
    }

    /// Lets the peak begin anew. Without the rights for that it goes on since the process's start.
    pub(crate) fn reset_peak(self) {
        // The file is proc(5)'s: 5 sets the peak to what is resident now.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.pid), "5");
    }

    pub(crate) fn usage(self) -> Result<Usage, Error> {
        let read = |file| fs::read_to_string(format!("/proc/{}/{file}", self.pid));
        let usage = read("stat")
            .and_then(|stat| Ok((stat, read("status")?)))
            .map(|(stat, status)| usage(&stat, &status));
        match usage {
            Ok(Some(usage)) => Ok(usage),
            Ok(None) => Err(self.unknown("/proc has another layout than Linux's")),
            Err(error) => Err(self.unknown(&error.to_string())),
        }
    }

    fn unknown(self, problem: &str) -> Error {
        Error::settings(format!(
            "--server-pid {}: what it uses cannot be read: {problem}",
            self.pid
        ))
    }
}

/// Reads proc(5)'s `stat` and `status`.
fn usage(stat: &str, status: &str) -> Option<Usage> {
    // The name, second in the line, may hold spaces and parentheses: count from its end.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()? + ticks()?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.split_whitespace().next()?;
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Usage {
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second() as f64),
        resident: kib("VmRSS:")?,
        peak: kib("VmHWM:")?,
    })
}

#[cfg(unix)]
fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

#[cfg(not(unix))]
fn ticks_per_second() -> u64 {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tbeam\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";

    #[test]
    fn cpu_and_memory_are_read_whatever_the_process_is_called() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 9 9 20 0 4 0 100 1 1";
        let used = usage(stat, STATUS).unwrap();
        let seconds = 200.0 / ticks_per_second() as f64;
        assert_eq!(used.cpu, Duration::from_secs_f64(seconds));
        assert_eq!((used.resident, used.peak), (1024 * 1024, 2048 * 1024));
    }

    #[test]
    fn another_layout_is_not_taken_for_numbers() {
        assert_eq!(usage("7 (a) S 1", STATUS), None);
        assert_eq!(usage("", ""), None);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Process::new(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("4294967295"), "{error}");
    }
}
