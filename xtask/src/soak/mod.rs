//! `cargo xtask soak`: a cluster under mixed load for an hour, with faults.
//!
//! The load is that of `herenow bench URL soak`, which also tells whether all that is seen is true. What it
//! cannot do is done here: nodes are killed, stopped and frozen, and started again, and what each node's
//! process uses is sampled. All lines of both go to stdout; the last is the verdict.

mod faults;
mod sample;
mod verdict;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use self::faults::Faults;
use self::sample::Sampled;
use self::verdict::Verdict;
use crate::running::{Node, Running};
use crate::workspace::target_dir;
use crate::{server, system};

/// How often it is looked whether a fault is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the nodes may take to find each other.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// By how much the load may be late. Its own limit (`--timeout`) is less, so that it ends by itself and says
/// what it waits for.
const LOAD_LATE_BY: Duration = Duration::from_secs(300);

/// A soak's sizes.
#[derive(Args)]
pub(crate) struct Soak {
    /// How long it goes on
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// How long it goes on, if minutes are too long
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// Nodes of the cluster; all but the first come and go
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=20))]
    nodes: u16,
    /// From one fault to the next, in seconds
    #[arg(long, default_value_t = 300)]
    fault_every: u64,
    /// How long a node that was ended is gone, in seconds
    #[arg(long, default_value_t = 10)]
    gone: u64,
    /// The build that developers have, instead of that which is released
    #[arg(long)]
    debug: bool,
    /// Flags for `herenow bench URL soak`, after `--`
    #[arg(last = true)]
    load: Vec<String>,
}

impl Soak {
    /// A soak of seconds with the developers' build: to see that all of it works.
    pub(crate) fn short() -> Self {
        let load = ["--check-every", "6", "--sample-every", "2"];
        Self {
            minutes: 0,
            seconds: Some(24),
            nodes: 3,
            fault_every: 7,
            gone: 2,
            debug: true,
            load: load.map(str::to_owned).into(),
        }
    }

    pub(crate) fn run(&self) -> Result<()> {
        let program = match self.debug {
            true => server::build_with_all_engines()?,
            false => server::build(true)?,
        };
        let program = copy(&program)?;
        system::allow_open_files();
        let mut nodes = Nodes::start(&program, self.nodes.into())?;
        let (mut load, lines) = self.put_load_on(&nodes, &program)?;
        let (start, duration) = (Instant::now(), self.duration());
        let every = Duration::from_secs(self.fault_every);
        let mut faults = Faults::new(every, Duration::from_secs(self.gone), duration);
        let mut verdict = Verdict::default();
        loop {
            if start.elapsed() > duration + LOAD_LATE_BY {
                // Dropping it ends it.
                bail!("the load has not ended {LOAD_LATE_BY:?} after its time");
            }
            if let Some(fault) = faults.due(start.elapsed(), &mut nodes)? {
                println!("{fault}");
            }
            let line = match lines.recv_timeout(LOOK_EVERY) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            println!("{line}");
            let line: Value = serde_json::from_str(&line).context("the load said no JSON")?;
            if line["soak"] == "sample" {
                let sampled = nodes.sample(line["seconds"].as_f64().unwrap_or_default());
                println!("{}", sampled.line());
                verdict.note(sampled);
            }
            verdict.hear(&line);
        }
        // It has said already what is wrong.
        let _ = load.0.wait();
        println!("{}", verdict.line());
        verdict.check()
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(self.minutes * 60))
    }

    /// Starts the load. Returns the lines that it says.
    fn put_load_on(&self, nodes: &Nodes<'_>, program: &Path) -> Result<(Load, Receiver<String>)> {
        let mut command = Command::new(program);
        command.args(["bench", nodes.running(0)?.url(), "soak"]);
        command.args(["--seconds", &self.duration().as_secs().to_string()]);
        for number in 1..nodes.all.len() {
            command.args(["--node", nodes.running(number)?.url()]);
        }
        let child = command.args(&self.load).stdout(Stdio::piped()).spawn();
        let mut load = Load(child.context("the load could not be started")?);
        let stdout = load.0.stdout.take().context("the load has no stdout")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let all = BufReader::new(stdout).lines().map_while(Result::ok);
            // Nobody listens any more when this command has failed.
            all.map(|line| sender.send(line))
                .take_while(Result::is_ok)
                .for_each(drop);
        });
        Ok((load, lines))
    }
}

/// A copy of the program: whoever builds during a long soak would have nodes come back as something else.
fn copy(program: &Path) -> Result<PathBuf> {
    // One for each soak, since several may run.
    let folder = target_dir()?.join(format!("soak/{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let copy = folder.join("herenow");
    let copy = copy.with_extension(std::env::consts::EXE_EXTENSION);
    fs::copy(program, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

/// The process that puts the load on. It does not outlive us.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The nodes, of which some may not be running.
struct Nodes<'a> {
    program: &'a Path,
    all: Vec<(Node, Option<Running>)>,
}

impl<'a> Nodes<'a> {
    fn start(program: &'a Path, count: usize) -> Result<Self> {
        let mut all = Vec::new();
        for node in Node::all(count)? {
            let running = node.start(program)?;
            all.push((node, Some(running)));
        }
        let nodes = Self { program, all };
        let deadline = Instant::now() + READY_WITHIN;
        while !(0..count).all(|number| nodes.running(number).is_ok_and(Running::is_ready)) {
            if Instant::now() > deadline {
                bail!("the nodes are not ready after {READY_WITHIN:?}");
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(nodes)
    }

    fn running(&self, number: usize) -> Result<&Running> {
        let running = self
            .all
            .get(number)
            .and_then(|(_, running)| running.as_ref());
        running.with_context(|| format!("node {number} is not running"))
    }

    /// Ends a node at once, without a word.
    fn kill(&mut self, number: usize) {
        self.all[number].1 = None;
    }

    fn start_again(&mut self, number: usize) -> Result<()> {
        let (node, running) = &mut self.all[number];
        *running = Some(node.start(self.program)?);
        Ok(())
    }

    fn sample(&self, seconds: f64) -> Sampled {
        let running = self.all.iter().map(|(node, running)| {
            let values = running.as_ref().map(sample::sample);
            (
                node.name.clone(),
                values.unwrap_or(json!({"running": false})),
            )
        });
        Sampled {
            seconds,
            nodes: running.collect(),
        }
    }
}
