//! What is not begun, or given up.

use herenow_load::scenario::Storm;
use herenow_load::{Error, Options, run};

use crate::host::{Host, options};

const TWO: Storm = Storm { clients: 2 };

async fn refusal(url: &str, options: &Options, storm: &Storm) -> String {
    match run(url, options, storm).await {
        Err(error @ Error::Settings(_)) => error.to_string(),
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn targets_on_other_machines_are_refused() {
    // Addresses that are set aside for documentation: nobody has them.
    for url in ["http://192.0.2.1:4000", "ws://[2001:db8::1]:4000/socket"] {
        let refusal = refusal(url, &Options::default(), &TWO).await;
        assert!(refusal.contains("--allow-remote"), "{refusal}");
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_before_anything_is_sent() {
    let host = Host::start().await;
    let default = Options::default;
    let none = Storm { clients: 0 };
    assert!(
        refusal(&host.url, &default(), &none)
            .await
            .contains("--clients 0")
    );
    let many = Storm { clients: 1 << 24 };
    assert!(
        refusal(&host.url, &default(), &many)
            .await
            .contains("ports")
    );
    for join in ["{", "[]"] {
        let join = join.to_owned();
        let options = Options { join, ..default() };
        assert!(refusal(&host.url, &options, &TWO).await.contains("--join"));
    }
    let options = Options {
        server_pids: vec![u32::MAX],
        ..default()
    };
    assert!(
        refusal(&host.url, &options, &TWO)
            .await
            .contains("--server-pid")
    );
    assert_eq!(host.endpoint.stats().connections_total, 0);
}

#[tokio::test]
async fn a_server_that_does_not_play_along_ends_the_run_with_the_reason() {
    let host = Host::start().await;
    let says =
        async |options: &Options, url: &str| run(url, options, &TWO).await.unwrap_err().to_string();
    // The application wants to know who connects.
    let options = Options {
        params: Vec::new(),
        ..options()
    };
    let refused = says(&options, &host.url).await;
    assert!(refused.contains("user_id is missing"), "{refused}");
    // It has no such topic.
    let options = Options {
        topic: "elsewhere".into(),
        ..options
    };
    let refused = says(&options, &host.url).await;
    assert!(refused.contains("unmatched topic"), "{refused}");
    // It has no socket there.
    let refused = says(&options, &format!("{}/nowhere", host.url)).await;
    assert!(refused.contains("404"), "{refused}");
    // It is not there at all.
    let refused = says(&options, "http://127.0.0.1:1").await;
    assert!(refused.contains("is the server running?"), "{refused}");
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_given_up_and_says_how_far_it_came() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // It accepts connections and never says a word.
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = Options {
        timeout: 1,
        ..Options::default()
    };
    let error = run(&url, &options, &TWO).await.unwrap_err();
    assert!(matches!(error, Error::Late(_)), "{error:?}");
    assert!(error.to_string().contains("--timeout"), "{error}");
}
