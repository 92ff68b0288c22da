//! What all scenarios have in common: how a client introduces itself, where it goes, when to give up.

use std::str::FromStr;

use clap::Args;

use crate::error::Error;

/// How to reach the server and speak to its application.
///
/// In texts, `{user}` stands for the name of the client, `{run}` for a word that is new in every run, and
/// `{number}` for the number of a topic.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct Options {
    /// Topics to join. {number} is the topic's number, {run} a word that is new in every run.
    #[arg(long, global = true, value_name = "TOPIC", default_value = DEFAULT_TOPIC)]
    pub topic: String,

    /// Connect param; {user} is the client's name. May be given more than once.
    #[arg(long = "param", global = true, value_name = "NAME=VALUE", default_value = DEFAULT_PARAM)]
    pub params: Vec<Param>,

    /// Params of every join, as JSON; {user} is the client's name.
    #[arg(long, global = true, value_name = "JSON", default_value = DEFAULT_JOIN)]
    pub join: String,

    /// Seconds after which a run is given up.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT)]
    pub timeout: u64,

    /// Process of the server on this machine, whose CPU time and memory are to be reported; once for
    /// each, if there are several.
    #[arg(long = "server-pid", global = true, value_name = "PID")]
    pub server_pids: Vec<u32>,

    /// Put load also on a server that is not on this machine. Have its owner's consent.
    #[arg(long, global = true)]
    pub allow_remote: bool,
}

const DEFAULT_TOPIC: &str = "room:bench-{run}-{number}";
const DEFAULT_PARAM: &str = "user_id={user}";
const DEFAULT_JOIN: &str = "{}";
const DEFAULT_TIMEOUT: u64 = 120;

impl Default for Options {
    fn default() -> Self {
        Self {
            topic: DEFAULT_TOPIC.into(),
            params: DEFAULT_PARAM.parse().into_iter().collect(),
            join: DEFAULT_JOIN.into(),
            timeout: DEFAULT_TIMEOUT,
            server_pids: Vec::new(),
            allow_remote: false,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let join = self.join_params("somebody");
        let is_object = herenow_core::protocol::json::is_object(&join);
        herenow_core::protocol::json::validate(&join)
            .ok()
            .filter(|()| is_object)
            .ok_or_else(|| {
                Error::settings(format!(
                    "--join: {:?} is no JSON object, like {{\"meta\":{{\"name\":\"{{user}}\"}}}}",
                    self.join
                ))
            })
    }

    /// The query of the connect URL.
    pub(crate) fn query(&self, user: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("vsn", "2.0.0");
        for Param { name, value } in &self.params {
            query.append_pair(name, &value.replace("{user}", user));
        }
        query.finish()
    }

    pub(crate) fn join_params(&self, user: &str) -> String {
        self.join.replace("{user}", user)
    }
}

/// A connect param.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value, in which `{user}` is the client's name.
    pub value: String,
}

impl FromStr for Param {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.into(),
                value: value.into(),
            }),
            _ => Err("give a name and a value, like user_id={user}".into()),
        }
    }
}
