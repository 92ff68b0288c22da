//! Child processes whose failure reads well: the error is one line that can be pasted into a shell.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// A command to run in the repository's root, unless told otherwise.
pub(crate) struct Cmd {
    program: OsString,
    command: Command,
}

/// `program` with `args`.
pub(crate) fn cmd<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Cmd {
    let mut command = Command::new(program.as_ref());
    command.args(args).current_dir(crate::workspace::root());
    Cmd {
        program: program.as_ref().to_owned(),
        command,
    }
}

/// The cargo that runs this xtask, so that a toolchain chosen with `cargo +NAME xtask` is kept.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Cmd {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Cmd {
        program: "cargo".into(),
        ..cmd(program, args)
    }
}

/// Whether `program` can be started at all.
pub(crate) fn available(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Cmd {
    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of the child's environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Keeps a variable of our environment from the child.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in `dir`.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs to the end, showing what the child prints; an exit code other than 0 is an error.
    pub(crate) fn run(mut self) -> Result<()> {
        let status = self.command.status();
        self.check(status)
    }

    /// Runs to the end and returns what the child wrote to its standard output.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let (status, stdout) = match output {
            Ok(output) => (Ok(output.status), output.stdout),
            Err(error) => (Err(error), Vec::new()),
        };
        self.check(status)?;
        String::from_utf8(stdout).with_context(|| format!("`{self}` did not print UTF-8"))
    }

    /// Becomes the child where the system can, so that a Ctrl-C reaches the child and nobody else;
    /// elsewhere waits for it.
    pub(crate) fn replace_self(mut self) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let error = self.command.exec();
            self.check(Err(error))
        }
        #[cfg(not(unix))]
        {
            let status = self.command.status();
            self.check(status)
        }
    }

    fn check(&self, status: io::Result<std::process::ExitStatus>) -> Result<()> {
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => bail!("`{self}` failed: {status}"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!(
                    "`{}` is not installed, or not on the PATH",
                    self.program.display()
                )
            }
            Err(error) => Err(error).with_context(|| format!("`{self}` could not be started")),
        }
    }
}

impl std::fmt::Display for Cmd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.program.display())?;
        for arg in self.command.get_args() {
            write!(f, " {}", arg.display())?;
        }
        Ok(())
    }
}
