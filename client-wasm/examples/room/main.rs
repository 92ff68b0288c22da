//! A page in Rust that shows who is in a room, with nothing but wasm-bindgen.
//!
//! `cargo xtask test --only browser` builds it and opens it in a browser against the real server.

use std::fmt::Display;
use std::rc::Rc;

use herenow_client::frontend::{
    Channel, Member, Presence, Socket, SocketBuilder, Subscription, js,
};
use js_sys::Promise;
use js_sys::futures::{future_to_promise, spawn_local};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Document, Element};

/// What the page passes in.
#[derive(Deserialize)]
struct Visitor {
    name: String,
    room: String,
    #[serde(default)]
    device: String,
}

/// What goes out with a join.
#[derive(Serialize)]
struct JoinParams {
    meta: Meta,
}

/// What each device says of itself.
#[derive(Serialize)]
struct Meta {
    device: String,
}

/// What the server says of each device: of its meta, what this page shows. Clients of other kinds need not
/// say what they are.
#[derive(Clone, Serialize, Deserialize)]
struct Device {
    #[serde(default)]
    device: String,
    phx_ref: String,
}

#[derive(Serialize, Deserialize)]
struct Shout {
    body: String,
}

/// A visit to a room, which lasts until the page calls `free`.
#[wasm_bindgen]
pub struct Visit {
    channel: Channel,
    presence: Rc<Presence<Device>>,
    _renders: Subscription,
}

/// Enters the room of `visitor`: `{ name, room, device? }`. `options` are those of the socket.
#[wasm_bindgen]
pub fn enter(visitor: JsValue, options: JsValue) -> Result<Visit, JsValue> {
    let Visitor { name, room, device } = js::from_js(visitor)?;
    let socket = socket(name, options).map_err(error)?;
    let meta = Meta { device };
    let channel = socket.channel(&format!("room:{room}"), &JoinParams { meta });
    let channel = channel.map_err(error)?;

    let presence = Rc::new(Presence::<Device>::new(&channel));
    let renders = presence.on_sync(|people| render(&people.list()));
    log_changes(&presence);
    log_shouts(&channel);
    join(&channel);
    Ok(Visit {
        channel,
        presence,
        _renders: renders,
    })
}

fn socket(name: String, options: JsValue) -> Result<Socket, Box<dyn std::error::Error>> {
    let builder: SocketBuilder = Socket::builder("/socket").param("user_id", name);
    let socket = builder.options(options)?.connect()?;
    Ok(socket)
}

/// The future is only the answer, and holds on to nothing.
fn join(channel: &Channel) {
    let join = channel.join();
    spawn_local(async move {
        match join.await {
            Ok(_) => log("joined"),
            Err(error) => log(error),
        }
    });
}

/// Streams end when the room is left, and so do these tasks.
fn log_changes(presence: &Presence<Device>) {
    let mut changes = presence.changes();
    spawn_local(async move {
        while let Some(changes) = changes.next().await {
            for member in &changes.joined {
                log(format!("{} came", member.key));
            }
            for member in &changes.left {
                log(format!("{} went", member.key));
            }
            for update in &changes.updated {
                log(format!(
                    "{}: {}, was {}",
                    update.after.key,
                    devices(&update.after),
                    devices(&update.before)
                ));
            }
        }
    });
}

fn log_shouts(channel: &Channel) {
    let mut shouts = channel.events::<Shout>("shout");
    spawn_local(async move {
        while let Some(Shout { body }) = shouts.next().await {
            log(format!("shout: {body}"));
        }
    });
}

#[wasm_bindgen]
impl Visit {
    /// Who is here, as objects: for scripts.
    pub fn people(&self) -> Result<JsValue, JsValue> {
        Ok(js::to_js(&self.presence.list())?)
    }

    /// Says something to the room.
    pub fn shout(&self, body: String) {
        self.channel.push("shout", &Shout { body });
    }

    /// Says what this device is called now. The promise fails when the server does not take that.
    pub fn rename(&self, device: String) -> Promise {
        let renamed = self.channel.push("update", &Meta { device });
        future_to_promise(async move {
            let reply = renamed.await.map_err(error)?;
            Ok(reply.to_js())
        })
    }
}

fn render(people: &[Rc<Member<Device>>]) {
    let document = document();
    let list = document
        .get_element_by_id("people")
        .expect("the page has a list");
    list.set_inner_html("");
    for member in people {
        let text = format!(
            "{} (count: {}) {}",
            member.key,
            member.count,
            devices(member)
        );
        append(&document, &list, text.trim_end());
    }
}

fn devices(member: &Member<Device>) -> String {
    let names: Vec<_> = member
        .metas
        .iter()
        .map(|meta| meta.device.as_str())
        .collect();
    names.join(", ")
}

fn log(line: impl Display) {
    let document = document();
    let log = document
        .get_element_by_id("log")
        .expect("the page has a log");
    append(&document, &log, &line.to_string());
}

fn append(document: &Document, list: &Element, text: &str) {
    let item = document.create_element("li").expect("a name of HTML");
    item.set_text_content(Some(text));
    list.append_child(&item).expect("a list takes items");
}

fn document() -> Document {
    web_sys::window()
        .and_then(|window| window.document())
        .expect("this runs in a page")
}

fn error(error: impl Display) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}
