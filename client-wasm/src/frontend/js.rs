//! Where Rust meets JavaScript: values that cross over, by serde-wasm-bindgen.
//!
//! A frontend in Rust needs none of this for itself. It is for pages of which only a part is Rust: options that
//! a script passes in, and lists that a script renders.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};

use super::{Channel, Payload, SocketBuilder, Subscription};

/// What could not cross over, and what was expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        js_sys::Error::new(&error.0).into()
    }
}

/// A value as JavaScript would write it itself: maps are plain objects, as in JSON.
///
/// ```no_run
/// # use herenow_client::frontend::{js, Presence};
/// # fn render(presence: &Presence<serde_json::Value>, render: js_sys::Function) -> Result<(), wasm_bindgen::JsValue> {
/// // [{ key: "alice", metas: [{ .. }], count: 1 }]
/// render.call1(&wasm_bindgen::JsValue::NULL, &js::to_js(&*presence.list())?)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the value's own `Serialize` fails.
pub fn to_js(value: &(impl Serialize + ?Sized)) -> Result<JsValue, Error> {
    let converted = value.serialize(&Serializer::json_compatible());
    converted.map_err(|error| Error(error.to_string()))
}

/// What JavaScript passes in, as a value. Into `serde_json::Value` it goes for channel params and payloads
/// of any shape.
///
/// # Errors
///
/// If it is of another shape.
pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, Error> {
    serde_wasm_bindgen::from_value(value).map_err(|error| Error(error.to_string()))
}

/// The names of what a script may set of a socket.
const OPTIONS: [&str; 4] = ["params", "authToken", "timeout", "heartbeatIntervalMs"];

/// What a script may set of a socket: the names are those of phoenix.js.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SocketOptions {
    params: Option<serde_json::Value>,
    auth_token: Option<String>,
    timeout: Option<f64>,
    heartbeat_interval_ms: Option<f64>,
}

impl SocketBuilder {
    /// Takes over options that a script passes in, by the names that they have in phoenix.js: `params`,
    /// `authToken`, `timeout` and `heartbeatIntervalMs`.
    ///
    /// # Errors
    ///
    /// If an option is of another type, or there is one of another name.
    pub fn options(mut self, options: JsValue) -> Result<Self, Error> {
        check_names(&options)?;
        let SocketOptions {
            params,
            auth_token,
            timeout,
            heartbeat_interval_ms,
        } = from_js(options)?;
        if let Some(params) = params {
            self = self
                .params(&params)
                .map_err(|error| Error(error.to_string()))?;
        }
        if let Some(token) = auth_token {
            self = self.auth_token(token);
        }
        if let Some(timeout) = timeout {
            self = self.timeout(millis(timeout));
        }
        if let Some(interval) = heartbeat_interval_ms {
            self = self.heartbeat_interval(millis(interval));
        }
        Ok(self)
    }
}

impl Payload {
    /// The payload as JavaScript has it: what `JSON.parse` makes of it, or a `Uint8Array` if it is binary.
    pub fn to_js(&self) -> JsValue {
        match self.json() {
            // The text goes over whole, and becomes objects there: faster than one by one.
            Some(json) => js_sys::JSON::parse(json).unwrap_or_default(),
            None => js_sys::Uint8Array::from(self.bytes()).into(),
        }
    }
}

impl Channel {
    /// Calls a function of JavaScript with the payload of each event of this name. What it throws goes to the
    /// console.
    pub fn on_js(&self, event: &str, callback: js_sys::Function) -> Subscription {
        self.on_payload(event, move |payload| {
            if let Err(error) = callback.call1(&JsValue::UNDEFINED, &payload.to_js()) {
                web_sys::console::error_1(&error);
            }
        })
    }
}

/// Refuses options that there are not: a misspelt one would just not be looked at.
fn check_names(options: &JsValue) -> Result<(), Error> {
    let Some(options) = options.dyn_ref::<js_sys::Object>() else {
        return Ok(());
    };
    for name in js_sys::Object::keys(options).iter() {
        let name = name.as_string().unwrap_or_default();
        if !OPTIONS.contains(&name.as_str()) {
            let known = OPTIONS.join(", ");
            return Err(Error(format!(
                "unknown option \"{name}\": there are {known}"
            )));
        }
    }
    Ok(())
}

fn millis(number: f64) -> Duration {
    Duration::from_millis(number.max(0.0) as u64)
}
