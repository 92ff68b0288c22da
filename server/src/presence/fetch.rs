//! The fetch hook: what an application adds to presences when they are shown, such as user names from
//! a database.
//!
//! The hook is the application's code, so it is run as something that may fail: an error, a panic or a
//! hook that takes too long costs the fields that it would have added, and nothing else.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use herenow_core::protocol::json;
use serde::Serialize;
use tokio::time::timeout;

/// How long a fetch hook may take, unless the application says otherwise.
pub const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Any error of a fetch hook.
pub type FetchError = Box<dyn Error + Send + Sync>;

/// What the hook added, by key: the fields of an object as JSON text, `"user":{..},"age":3`.
pub(super) type Fields = HashMap<String, Box<str>>;

/// The application's hook with its time limit. Cheap to clone.
#[derive(Clone)]
pub(super) struct Fetch {
    hook: Arc<Hook>,
    timeout: Duration,
}

type Hook = dyn Fn(String, Vec<String>) -> Pin<Box<dyn Future<Output = Result<Fields, FetchError>> + Send>>
    + Send
    + Sync;

impl Fetch {
    pub(super) fn new<F, Fut, Added>(hook: F) -> Self
    where
        F: Fn(String, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<String, Added>, FetchError>> + Send + 'static,
        Added: Serialize + 'static,
    {
        let hook = Arc::new(hook);
        Self {
            hook: Arc::new(move |topic, keys| {
                let hook = Arc::clone(&hook);
                // The hook is called within the future, so that its panics are caught there, too.
                Box::pin(async move { write_fields(hook(topic, keys).await?) })
            }),
            timeout: DEFAULT_FETCH_TIMEOUT,
        }
    }

    /// The same with another time limit, if one is given.
    pub(super) fn limited_to(self, timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(self.timeout);
        Self { timeout, ..self }
    }

    /// What the hook adds to these keys of a topic; nothing if it fails.
    pub(super) async fn run(&self, topic: &str, keys: Vec<String>) -> Fields {
        if keys.is_empty() {
            return Fields::new();
        }
        let count = keys.len();
        let fetching = AssertUnwindSafe((self.hook)(topic.to_owned(), keys)).catch_unwind();
        let problem = match timeout(self.timeout, fetching).await {
            Ok(Ok(Ok(fields))) => return fields,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(panic)) => format!("it panicked: {}", panic_message(&*panic)),
            Err(_) => format!("it took longer than {:?}", self.timeout),
        };
        tracing::warn!(
            topic,
            keys = count,
            "the fetch hook failed, its fields are left out: {problem}"
        );
        Fields::new()
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn write_fields<Added: Serialize>(added: HashMap<String, Added>) -> Result<Fields, FetchError> {
    added
        .into_iter()
        .map(|(key, added)| {
            let text = serde_json::to_string(&added)?;
            let fields = fields_of(&text)
                .ok_or_else(|| format!("for {key:?} it returned {text}, which is not an object"))?;
            Ok((key, fields))
        })
        .collect()
}

/// The fields of the object `text` without its braces, and without `metas`, which is ours.
fn fields_of(text: &str) -> Option<Box<str>> {
    if !json::is_object(text) {
        return None;
    }
    let mut fields = String::with_capacity(text.len());
    for entry in json::entries(text) {
        let (name, value) = entry.ok()?;
        if name == *"metas" {
            continue;
        }
        if !fields.is_empty() {
            fields.push(',');
        }
        fields.push('"');
        fields.push_str(name.raw());
        fields.push_str("\":");
        fields.push_str(value);
    }
    Some(fields.into())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use serde_json::{Value, json};

    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|&key| key.to_owned()).collect()
    }

    fn one(key: &str, added: Value) -> HashMap<String, Value> {
        HashMap::from([(key.to_owned(), added)])
    }

    #[tokio::test]
    async fn fields_are_kept_as_text_without_metas() {
        let fetch = Fetch::new(|topic, keys| async move {
            Ok(one(
                &keys[0],
                json!({"metas": [1], "user": {"name": "n"}, "topic": topic}),
            ))
        });
        let fields = fetch.run("room:1", keys(&["a"])).await;
        assert_eq!(
            fields["a"].as_ref(),
            r#""topic":"room:1","user":{"name":"n"}"#
        );
    }

    #[tokio::test]
    async fn nobody_is_fetched_without_a_call() {
        let fetch = Fetch::new(|_, _| async { panic!("called") as Result<HashMap<_, Value>, _> });
        assert!(fetch.run("room:1", Vec::new()).await.is_empty());
    }

    #[tokio::test]
    async fn an_error_a_value_that_is_no_object_and_a_panic_add_nothing() {
        let failing = Fetch::new(|_, _| async {
            let error: FetchError = "the database is away".into();
            Err::<HashMap<String, Value>, _>(error)
        });
        let no_object = Fetch::new(|_, _| async { Ok(one("a", json!(1))) });
        let panicking = Fetch::new(|_, _| async { panic!("oh") as Result<HashMap<_, Value>, _> });
        let panicking_early = Fetch::new(|_, keys: Vec<String>| {
            let first = keys[7].clone();
            async move { Ok(one(&first, json!({}))) }
        });
        for fetch in [failing, no_object, panicking, panicking_early] {
            assert!(fetch.run("room:1", keys(&["a"])).await.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_never_answers_adds_nothing_after_its_time() {
        let fetch = Fetch::new(|_, _| pending::<Result<HashMap<String, Value>, _>>());
        assert!(fetch.run("room:1", keys(&["a"])).await.is_empty());
    }
}
