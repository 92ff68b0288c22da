//! Clients on several nodes, over real sockets.

use herenow::cluster::bus::LocalNetwork;
use herenow::{ConnectRequest, Connected, Endpoint, RoomChannel, UserId};
use serde_json::json;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::node::{Node, ROOM, eventually, start};
use crate::people::People;

/// Serves `room:*` on a node, and returns where.
async fn serve(node: &Node) -> String {
    let presence = node.presence.clone();
    let endpoint = Endpoint::builder(&node.pubsub)
        .connect(|request: ConnectRequest| async move {
            let user = request.params.get("user_id").and_then(|id| id.as_str());
            let user = user.unwrap_or("nobody").to_owned();
            Ok(Connected::new()
                .id(format!("user:{user}"))
                .assign(UserId(user)))
        })
        .channel("room:*", move || RoomChannel::new(presence.clone()))
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = warp::serve(endpoint.routes("socket")).incoming(listener);
    tokio::spawn(server.run());
    address
}

/// A client that follows a room.
struct Follower {
    client: Client,
    people: People,
}

impl Follower {
    async fn join(address: &str, user: &str) -> Self {
        Self {
            client: Client::join_as(address, user, ROOM).await,
            people: People::default(),
        }
    }

    async fn until(&mut self, done: impl Fn(&People) -> bool) {
        self.people.follow(&mut self.client, ROOM, done).await;
    }
}

#[tokio::test]
async fn clients_of_different_nodes_see_each_other_come_and_go() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let [on_a, on_b] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    let mut alice = Follower::join(&on_a, "alice").await;
    let mut bob = Follower::join(&on_b, "bob").await;
    let both = |people: &People| people.is_present("alice") && people.is_present("bob");
    alice.until(both).await;
    bob.until(both).await;
    assert_eq!(alice.people, nodes[1].people().await);
    assert_eq!(bob.people, nodes[0].people().await);
    bob.client.close().await;
    alice.until(|people| !people.is_present("bob")).await;
}

#[tokio::test]
async fn the_first_state_that_a_client_is_sent_names_the_users_of_other_nodes() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let [on_a, on_b] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    let mut alice = Client::join_as(&on_a, "alice", ROOM).await;
    alice.wait_for(ROOM, "presence_state").await;
    let mut bob = Client::join_as(&on_b, "bob", ROOM).await;
    let state = bob.wait_for(ROOM, "presence_state").await;
    assert_eq!(state["alice"]["metas"][0]["node"], "a", "{state}");
    assert_eq!(state["bob"]["metas"][0]["node"], "b", "{state}");
    // Not a second time as a join.
    let diffs = bob.rest().await;
    let diffs = diffs.iter().filter(|frame| frame.event == "presence_diff");
    let joins: Vec<_> = diffs.map(|diff| diff.payload["joins"].clone()).collect();
    assert!(
        joins.iter().all(|joins| joins["alice"].is_null()),
        "{joins:?}"
    );
}

#[tokio::test]
async fn a_meta_names_its_node_also_after_an_update_unless_it_has_such_a_field() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a"]).await;
    let address = serve(&nodes[0]).await;
    let mut alice = Client::join_as(&address, "alice", ROOM).await;
    alice.wait_for(ROOM, "presence_state").await;
    let metas = async || {
        nodes[0]
            .presence
            .get_by_key(ROOM, "alice")
            .await
            .unwrap()
            .to_value()
    };
    for (update, node) in [
        (json!({"status": "busy"}), "a"),
        (json!({"node": "mine"}), "mine"),
    ] {
        let (status, _) = alice.ask(ROOM, "update", update).await;
        assert_eq!(status, "ok");
        assert_eq!(metas().await["metas"][0]["node"], node);
    }
    let (status, response) = alice.ask(ROOM, "update", json!([1])).await;
    assert_eq!(status, "error", "{response}");
}

#[tokio::test]
async fn a_shout_reaches_the_members_on_all_nodes() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b", "c"]).await;
    let mut clients = Vec::new();
    for (node, user) in nodes.iter().zip(["alice", "bob", "carl"]) {
        let mut client = Client::join_as(&serve(node).await, user, ROOM).await;
        client.wait_for(ROOM, "presence_state").await;
        clients.push(client);
    }
    clients[0]
        .send(ROOM, "shout", json!({"text": "hello"}))
        .await;
    for client in &mut clients {
        let heard = client.wait_for(ROOM, "shout").await;
        assert_eq!(heard, json!({"text": "hello"}));
    }
}

#[tokio::test]
async fn a_socket_is_disconnected_by_its_id_from_any_node() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let [on_a, on_b] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    let mut sockets = [
        Client::connect(&on_a, "user_id=alice").await,
        Client::connect(&on_b, "user_id=alice").await,
    ];
    let mut bob = Client::connect(&on_b, "user_id=bob").await;
    // Answered, so that the servers have taken them in.
    for socket in &mut sockets {
        socket.rest().await;
    }
    nodes[0].pubsub.disconnect("user:alice");
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, Some(1001));
    }
    bob.rest().await;
}

#[tokio::test]
async fn sockets_that_have_joined_nothing_look_at_nothing() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let address = serve(&nodes[0]).await;
    let mut sockets = Vec::new();
    for user in 0..20 {
        let mut socket = Client::connect(&address, &format!("user_id={user}")).await;
        socket.rest().await;
        sockets.push(socket);
    }
    assert_eq!(nodes[0].cluster.status().shards_wanted, 0);
    sockets[0].join(ROOM, json!({})).await;
    eventually("one shard is looked at", async || {
        nodes[0].cluster.status().shards_wanted == 1
    })
    .await;
}
