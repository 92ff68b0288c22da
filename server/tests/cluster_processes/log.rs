//! What a process wrote to stderr, kept in a file: no process waits for the test to read, and a test
//! that fails shows it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::eventually;

pub(crate) struct Log(PathBuf);

impl Log {
    /// A new file, and the end of it that a process writes to.
    pub(crate) fn new(name: &str) -> (Self, Stdio) {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let file = format!("{name}-{}-{number}.log", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        let file = File::create(&path).expect("a log file");
        (Self(path), file.into())
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }

    /// Waits for a line that contains `part`, and returns what follows there.
    pub(crate) async fn after(&self, part: &str) -> String {
        let mut rest = None;
        eventually(&format!("the log has {part:?}"), || {
            let text = self.text();
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            let mut lines = complete.lines();
            rest = lines.find_map(|line| Some(line.split_once(part)?.1.to_owned()));
            rest.is_some()
        })
        .await;
        rest.expect("it was found")
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}:\n{}", self.0.display(), self.text());
        }
        let _ = fs::remove_file(&self.0);
    }
}
