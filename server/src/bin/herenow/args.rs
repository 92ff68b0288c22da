//! The command line: what can be said to the binary, and what it answers when that was wrong.
//!
//! Every flag of `herenow serve` has an environment variable of the same name (`--max-channels` is
//! `HERENOW_MAX_CHANNELS`). A mistake costs one line on stderr that names the flag, what was wrong
//! with it and what would have been right.

mod cluster;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};
use herenow::auth::origin::CheckOrigin;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub(crate) use cluster::ClusterPlan;

use crate::units;

const EXAMPLES: &str = "\
Examples:
  herenow serve
      Anyone who names a user_id may join; on http://127.0.0.1:4000

  herenow serve --listen 0.0.0.0:80 --secret-key-base-file /run/secrets/key
      Only holders of a token that was signed with Phoenix.Token may connect

  herenow serve --node node-2 --cluster tcp/10.0.0.7:7447
      One node of a cluster; 10.0.0.7 is any other one, started with --cluster-listen

  HERENOW_LISTEN=0.0.0.0:8080 HERENOW_LOG=warn herenow serve
      The same flags, as environment variables

Every flag of `herenow serve` has an environment variable: --max-channels is HERENOW_MAX_CHANNELS.";

/// Answers one question for your application: who is here now?
///
/// Tracks which users are present in which room, over all their connections and devices, and
/// pushes every change to every browser. Speaks the Phoenix Channels protocol: connect with the npm
/// package `herenow` or any Phoenix client to ws://HOST:PORT/socket and join `room:NAME`.
#[derive(Debug, Parser)]
#[command(name = "herenow", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server until Ctrl-C or SIGTERM.
    ///
    /// Serves the socket at /socket, liveness at /healthz, readiness at /readyz, Prometheus metrics at
    /// /metrics and what the node knows of its cluster at /cluster, the last two to whoever reaches the
    /// server, unless --operator-listen gives them an address of their own.
    // So that of a negative number it is said what would have been right.
    #[command(after_help = EXAMPLES, allow_negative_numbers = true)]
    Serve(Box<Serve>),

    /// Put load on a Phoenix server and measure what it does.
    ///
    /// Any server that speaks the Phoenix Channels protocol can be the target; it must be on this
    /// machine, unless --allow-remote is given.
    #[command(after_help = herenow_load::EXAMPLES)]
    Bench(Box<herenow_load::Command>),
}

/// The flags of `herenow serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one, which the first line of stderr names.
    #[arg(long, env = "HERENOW_LISTEN", value_name = "HOST:PORT", default_value = "127.0.0.1:4000", value_parser = address)]
    pub(crate) listen: String,

    /// Another address for what operators ask: /metrics and /cluster are then there and not at --listen;
    /// /healthz and /readyz are at both [default: all of it at --listen].
    #[arg(long, env = "HERENOW_OPERATOR_LISTEN", value_name = "HOST:PORT", value_parser = address)]
    pub(crate) operator_listen: Option<String>,

    /// Directory of web pages to serve at / [default: a built-in page].
    #[arg(long, env = "HERENOW_WWW", value_name = "DIR", value_parser = directory)]
    pub(crate) www: Option<PathBuf>,

    /// Directory of the npm package's files to serve at /herenow/.
    #[arg(long, env = "HERENOW_CLIENT", value_name = "DIR", value_parser = directory)]
    pub(crate) client: Option<PathBuf>,

    /// How long a topic's presence changes are gathered before the next diff; the first change after
    /// a quiet spell goes out at once. 0 sends each change by itself.
    #[arg(long, env = "HERENOW_WINDOW_MS", value_name = "MS", default_value = "25", value_parser = window, help_heading = "Presence")]
    pub(crate) window_ms: Duration,

    /// How long they are gathered at most in a large topic, which is given 1 ms for every 40 presences
    /// if that is more than --window-ms. With no more than --window-ms, all topics are treated alike;
    /// with a --window-ms of 0 nothing is gathered in any.
    #[arg(long, env = "HERENOW_MAX_WINDOW_MS", value_name = "MS", default_value = "250", value_parser = window, help_heading = "Presence")]
    pub(crate) max_window_ms: Duration,

    #[command(flatten)]
    pub(crate) access: Access,

    #[command(flatten)]
    pub(crate) limits: Limits,

    #[command(flatten)]
    pub(crate) longpoll: LongPoll,

    #[command(flatten)]
    pub(crate) cluster: cluster::Cluster,

    #[command(flatten)]
    pub(crate) operation: Operation,
}

/// Who may connect.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who may connect")]
pub(crate) struct Access {
    /// File with the secret that tokens are signed with (a Phoenix application's secret_key_base).
    /// With it, a connection needs a token; without it, anyone may connect and names its own user_id.
    #[arg(long, env = "HERENOW_SECRET_KEY_BASE_FILE", value_name = "FILE")]
    pub(crate) secret_key_base_file: Option<PathBuf>,

    /// Salt that tokens are signed with [default: user socket].
    #[arg(long, env = "HERENOW_TOKEN_SALT", value_name = "SALT")]
    pub(crate) token_salt: Option<String>,

    /// Age above which a token is refused, e.g. 1h or 14d [default: what the token itself allows, which
    /// is one day unless it was signed for longer].
    #[arg(long, env = "HERENOW_TOKEN_MAX_AGE", value_name = "TIME", value_parser = units::duration)]
    pub(crate) token_max_age: Option<Duration>,

    /// Web pages that may connect: `any`, `same-origin`, or origins separated by commas, like
    /// `https://example.com,//*.example.org` [default: pages of the host at which the server is reached].
    /// The default takes the browser's word for that host, which a page may have pointed here by DNS: in a
    /// network where being inside it is enough to connect (no secret), name the origins.
    #[arg(
        long,
        env = "HERENOW_CHECK_ORIGIN",
        value_name = "WHICH",
        value_parser = check_origin
    )]
    pub(crate) check_origin: Option<CheckOrigin>,
}

/// What Phoenix's guides sign tokens of sockets with.
pub(crate) const TOKEN_SALT: &str = "user socket";

impl Access {
    /// A flag that is about tokens, if one was given.
    pub(crate) fn of_tokens(&self) -> Option<String> {
        let salt = self.token_salt.is_some().then_some("--token-salt");
        let max_age = self.token_max_age.is_some().then_some("--token-max-age");
        salt.or(max_age).map(name_both)
    }
}

/// How many connections there may be, and what one may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Channels that one connection may have joined at a time.
    #[arg(long, env = "HERENOW_MAX_CHANNELS", value_name = "N", default_value = "100", value_parser = units::count)]
    pub(crate) max_channels: usize,

    /// Connections that may be open at a time, by WebSocket and long poll together; others are told to
    /// try again later.
    #[arg(long, env = "HERENOW_MAX_CONNECTIONS", value_name = "N", default_value = "1000000", value_parser = units::count)]
    pub(crate) max_connections: usize,

    /// How long the head of a request may take, from the connection or the request before on, e.g. 65s;
    /// more than the time for which a proxy keeps connections that it does not use.
    #[arg(long, env = "HERENOW_HEADER_TIMEOUT", value_name = "TIME", default_value = "65s", value_parser = units::duration)]
    pub(crate) header_timeout: Duration,

    /// Silence after which a connection is closed, e.g. 60s; clients send a heartbeat every 30s.
    #[arg(long, env = "HERENOW_IDLE_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = units::duration)]
    pub(crate) idle_timeout: Duration,

    /// Largest message that a client may send, e.g. 64KiB; the meta of a presence may have 16KiB.
    #[arg(long, env = "HERENOW_MAX_FRAME_SIZE", value_name = "SIZE", default_value = "1MiB", value_parser = units::size)]
    pub(crate) max_frame_size: usize,

    /// What may wait for a slow reader, e.g. 1MiB; beyond it, its presence diffs are replaced by one
    /// fresh list.
    #[arg(long, env = "HERENOW_MAX_QUEUE_BYTES", value_name = "SIZE", default_value = "1MiB", value_parser = units::size)]
    pub(crate) max_queue_bytes: usize,
}

/// Clients whose network lets no WebSocket through.
#[derive(Debug, Args)]
#[command(next_help_heading = "Long poll")]
pub(crate) struct LongPoll {
    /// Serve WebSockets only. Long poll is for clients whose network lets no WebSocket through; behind
    /// one address with several nodes, it needs all requests of a client to go to the same node.
    #[arg(long, env = "HERENOW_NO_LONGPOLL", value_parser = FalseyValueParser::new())]
    pub(crate) no_longpoll: bool,

    /// How long a request waits for messages, e.g. 10s; less than proxies allow. A client that asks no
    /// more for 1.5 times this is gone.
    #[arg(long, env = "HERENOW_LONGPOLL_WINDOW", value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    pub(crate) longpoll_window: Duration,

    /// Clients that may be connected by long poll at a time; others are told to try again later. They are
    /// not counted by address: where strangers may connect, a proxy has to limit what one may open.
    #[arg(long, env = "HERENOW_MAX_LONGPOLL_SESSIONS", value_name = "N", default_value = "10000", value_parser = units::count)]
    pub(crate) max_longpoll_sessions: usize,
}

/// Running it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct Operation {
    /// How long connections are given to close when the server stops, e.g. 10s.
    #[arg(long, env = "HERENOW_SHUTDOWN_GRACE", value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    pub(crate) shutdown_grace: Duration,

    /// What to log: error, warn, info, debug, trace, or per module, like `info,herenow=debug`.
    #[arg(long, env = "HERENOW_LOG", value_name = "LEVEL", default_value = "info", value_parser = log_filter)]
    pub(crate) log: String,
}

fn address(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .map(|(_, port)| port);
    match port.map(str::parse::<u16>) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("give an address and a port, like 127.0.0.1:4000 or [::1]:4000".into()),
    }
}

fn directory(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.metadata() {
        Ok(data) if data.is_dir() => Ok(path),
        Ok(_) => Err("is not a directory; give the directory that holds the files".into()),
        Err(error) => Err(format!("{error}; give a directory that exists")),
    }
}

fn check_origin(text: &str) -> Result<CheckOrigin, String> {
    let remedy = "give any, same-origin, or origins separated by commas, like https://example.com";
    if text.split(',').any(|origin| origin.trim().is_empty()) {
        return Err(format!("an origin in it is empty; {remedy}"));
    }
    text.parse().map_err(|error| format!("{error}; {remedy}"))
}

fn window(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|milliseconds| *milliseconds <= 60_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "give whole milliseconds from 0 to 60000, like 25".into())
}

fn log_filter(text: &str) -> Result<String, String> {
    let remedy = "give error, warn, info, debug, trace or module=level";
    // What is no level would be a module, of which all is logged, and nothing of the others.
    let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
    let mut words = text.split(',').filter(|word| !word.contains(['=', '[']));
    if let Some(word) = words.find(|word| !is_level(word)) {
        return Err(format!("{word:?} is no level; {remedy}"));
    }
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("{error}; {remedy}"))
}

/// Says in one line what was wrong with the command line. `None` for `--help` and `--version`, whose
/// text is the answer itself.
pub(crate) fn explain(error: &clap::Error) -> Option<String> {
    let context = |kind| error.get(kind).map(ToString::to_string);
    let argument = context(ContextKind::InvalidArg).map(|argument| name_both(&argument));
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let help = help_for(error);
    let argument_or = |other: &str| argument.clone().unwrap_or_else(|| other.to_owned());
    Some(match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::ValueValidation => {
            let remedy = error.source().map(ToString::to_string).unwrap_or_default();
            format!("{}: {value:?}: {remedy}", argument_or("a flag"))
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!(
                "{}: the value is missing; see {help}",
                argument_or("a flag")
            )
        }
        ErrorKind::UnknownArgument => {
            let unknown = context(ContextKind::InvalidArg).unwrap_or_default();
            match context(ContextKind::SuggestedArg) {
                _ if !unknown.starts_with('-') => {
                    format!("{unknown}: there is nothing of that name; see {help}")
                }
                Some(known) => format!("{unknown}: there is no such flag; did you mean {known}?"),
                None => format!("{unknown}: there is no such flag; see {help}"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let unknown = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("{unknown}: there is no such command; see {help}")
        }
        ErrorKind::ArgumentConflict => {
            format!("{}: given twice; give it once", argument_or("a flag"))
        }
        _ => first_line(error, help),
    })
}

/// `--window-ms <MS>` as `--window-ms (HERENOW_WINDOW_MS)`: the bad value may have come from either. Only
/// the flags of `serve` have variables.
fn name_both(argument: &str) -> String {
    let flag = argument.split_whitespace().next().unwrap_or(argument);
    match flags_of_serve().iter().any(|known| known == flag) {
        true => format!("{flag} ({})", variable(flag)),
        false => flag.to_owned(),
    }
}

fn flags_of_serve() -> Vec<String> {
    let command = Cli::command();
    let serve = command.find_subcommand("serve");
    let arguments = serve.into_iter().flat_map(clap::Command::get_arguments);
    let names = arguments.filter_map(clap::Arg::get_long);
    names.map(|name| format!("--{name}")).collect()
}

/// The environment variable of a flag.
fn variable(flag: &str) -> String {
    let name = flag
        .trim_start_matches('-')
        .replace('-', "_")
        .to_uppercase();
    format!("HERENOW_{name}")
}

/// Those names that look like variables of flags and are none: mistyped, most probably. Kubernetes sets some for a
/// service that is called herenow.
pub(crate) fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    let flags = flags_of_serve();
    let known: Vec<_> = flags.iter().map(|flag| variable(flag)).collect();
    let is_of_service =
        |name: &str| name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_");
    let is_meant = |name: &String| {
        name.strip_prefix("HERENOW_")
            .is_some_and(|rest| !is_of_service(rest))
    };
    names
        .filter(is_meant)
        .filter(|name| !known.contains(name))
        .collect()
}

/// Which help text to look into.
fn help_for(error: &clap::Error) -> &'static str {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let usage = usage.unwrap_or_default();
    if usage.contains("herenow serve") {
        "`herenow serve --help`"
    } else if usage.contains("herenow bench") {
        "`herenow bench --help`"
    } else {
        "`herenow --help`"
    }
}

fn first_line(error: &clap::Error, help: &str) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    format!("{}; see {help}", line.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from([&["herenow"], arguments].concat()).unwrap_err();
        explain(&error).unwrap()
    }

    #[test]
    fn every_flag_of_serve_has_the_environment_variable_of_its_name() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for argument in serve.get_arguments() {
            let flag = argument.get_long().unwrap();
            let named = argument
                .get_env()
                .map(|name| name.to_str().unwrap().to_owned());
            assert_eq!(named, Some(variable(flag)), "--{flag}");
            assert!(argument.get_help().is_some(), "--{flag}");
        }
    }

    #[test]
    fn a_variable_that_is_none_is_told_from_those_of_flags_and_of_kubernetes() {
        let names = [
            "HERENOW_MAX_CHANELS",
            "HERENOW_MAX_CHANNELS",
            "HERENOW_PORT_4000_TCP",
            "HERENOW_PORT",
            "HERENOW_SERVICE_HOST",
            "PATH",
        ];
        let unknown = unknown_variables(names.map(str::to_owned).into_iter());
        assert_eq!(unknown, ["HERENOW_MAX_CHANELS"]);
    }

    #[test]
    fn a_bad_value_is_one_line_that_names_flag_variable_value_and_remedy() {
        let cases = [
            ("--listen", "4000", "127.0.0.1:4000"),
            ("--listen", ":4000", "127.0.0.1:4000"),
            ("--listen", "127.0.0.1:70000", "127.0.0.1:4000"),
            ("--window-ms", "25ms", "whole milliseconds"),
            ("--window-ms", "60001", "from 0 to 60000"),
            ("--max-window-ms", "1s", "whole milliseconds"),
            ("--operator-listen", "4001", "127.0.0.1:4000"),
            ("--max-channels", "0", "at least 1"),
            ("--max-connections", "0", "at least 1"),
            ("--header-timeout", "0s", "above zero"),
            ("--idle-timeout", "soon", "60s"),
            ("--longpoll-window", "0s", "above zero"),
            ("--max-longpoll-sessions", "many", "at least 1"),
            ("--max-frame-size", "big", "64KiB"),
            ("--www", "/does/not/exist", "give a directory that exists"),
            ("--check-origin", "https://", "same-origin"),
            ("--check-origin", "https://a.com,,//b.com", "is empty"),
            ("--log", "herenow=loud", "debug"),
            ("--log", "inof", "debug"),
            ("--log", "warn,herenow", "module=level"),
            ("--window-ms", "-1", "0 to 60000"),
            ("--max-channels", "-3", "at least 1"),
        ];
        for (flag, value, remedy) in cases {
            let line = mistake(&["serve", flag, value]);
            assert!(!line.contains('\n'), "{line}");
            for part in [flag, &variable(flag), value, remedy] {
                assert!(line.contains(part), "{part:?} is not in {line:?}");
            }
        }
    }

    #[test]
    fn what_is_unknown_missing_or_doubled_is_one_line_with_the_remedy() {
        let cases: &[(&[&str], &str)] = &[
            (&["serve", "--windows-ms", "5"], "did you mean --window-ms?"),
            (&["serve", "--zzz"], "herenow serve --help"),
            (&["serv"], "herenow --help"),
            (&["bench", "http://[::1]"], "herenow bench --help"),
            (&["serve", "--log"], "the value is missing"),
            (&["serve", "--log", "info", "--log", "warn"], "given twice"),
            (&["serve", "extra"], "nothing of that name"),
            (&["bench", "http://[::1]", "nope"], "nope: there is no"),
        ];
        for (arguments, part) in cases {
            let line = mistake(arguments);
            assert!(
                line.contains(part) && !line.contains('\n'),
                "{part:?} is not in {line:?}"
            );
        }
    }

    #[test]
    fn a_bad_value_of_a_flag_without_a_variable_names_the_flag_alone() {
        let line = mistake(&["bench", "http://[::1]", "storm", "--param", "ada"]);
        assert_eq!(
            line,
            "--param: \"ada\": give a name and a value, like user_id={user}"
        );
    }

    #[test]
    fn help_and_version_are_not_mistakes() {
        for flag in ["--help", "--version"] {
            let error = Cli::try_parse_from(["herenow", flag]).unwrap_err();
            assert_eq!(explain(&error), None);
        }
    }
}
