//! The real binary: what it says, what it serves to a browser that only wants pages, how it ends.

use std::fs;
use std::path::PathBuf;

use tokio::net::TcpListener;

use crate::process::{Served, get, herenow, temporary};

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = herenow(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A fresh directory with these files.
fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = temporary(name);
    fs::create_dir_all(&directory).unwrap();
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
    directory
}

#[tokio::test]
async fn help_names_every_flag_with_its_variable_and_gives_examples() {
    let (code, help, errors) = run(&["serve", "--help"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let flags = [
        "--listen",
        "--www",
        "--client",
        "--window-ms",
        "--max-window-ms",
        "--secret-key-base-file",
    ];
    for flag in flags
        .into_iter()
        .chain(["--max-channels", "--check-origin", "--log"])
        .chain([
            "--node",
            "--cluster",
            "--cluster-secret-file",
            "--down-after",
        ])
    {
        let variable = format!("HERENOW_{}", flag[2..].replace('-', "_").to_uppercase());
        assert!(
            help.contains(flag) && help.contains(&variable),
            "{flag}: {help}"
        );
    }
    assert!(help.contains("Examples:\n  herenow serve\n"), "{help}");
}

#[tokio::test]
async fn a_mistake_costs_one_line_and_exit_code_2() {
    let (code, output, errors) = run(&["serve", "--window-ms", "soon"]).await;
    assert_eq!((code, output.as_str()), (Some(2), ""));
    assert_eq!(
        errors,
        "herenow: --window-ms (HERENOW_WINDOW_MS): \"soon\": give whole milliseconds from 0 to 60000, like 25\n"
    );
}

#[tokio::test]
async fn so_does_one_that_shows_only_in_several_flags_together() {
    for (arguments, parts) in [
        (
            ["--token-max-age", "1h"],
            ["HERENOW_TOKEN_MAX_AGE", "--secret-key-base-file"],
        ),
        (["--token-salt", "x"], ["HERENOW_TOKEN_SALT", "anyone"]),
        (["--permdown-after", "1s"], ["HERENOW_DOWN_AFTER", "20m"]),
        (["--node", "a b"], ["HERENOW_NODE", "node-1"]),
    ] {
        let (code, _, errors) = run(&["serve", arguments[0], arguments[1]]).await;
        assert_eq!(code, Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(parts.iter().all(|part| errors.contains(part)), "{errors}");
    }
}

#[tokio::test]
async fn a_mistake_in_a_variable_is_reported_like_one_in_the_flag() {
    let output = herenow(&["serve"])
        .env("HERENOW_MAX_CHANNELS", "none")
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("HERENOW_MAX_CHANNELS") && errors.contains("at least 1"),
        "{errors}"
    );
}

#[tokio::test]
async fn a_variable_that_no_flag_has_is_told_of() {
    let mistyped = [("HERENOW_MAX_CHANELS", "3")];
    let mut served = Served::start_with(&[], &mistyped).await;
    served
        .says("HERENOW_MAX_CHANELS is set, and no flag has it")
        .await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_chooses_another() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = run(&["serve", "--listen", &address]).await;
    assert_eq!(code, Some(1));
    let port = address.rsplit_once(':').unwrap().1;
    assert!(
        errors.contains(&format!("port {port} of 127.0.0.1 is in use")),
        "{errors}"
    );
    assert!(
        errors.contains("--listen") && errors.lines().count() == 1,
        "{errors}"
    );
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_with_the_remedy() {
    let (code, _, errors) = run(&["serve", "--listen", "192.0.2.1:4000"]).await;
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("0.0.0.0:4000") && errors.lines().count() == 1,
        "{errors}"
    );
}

#[tokio::test]
async fn alone_it_serves_a_page_of_its_own_and_its_health() {
    let served = Served::start(&[]).await;
    let page = served.get("/").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.body.contains("<title>herenow</title>"));
    assert_eq!(served.get("/herenow/index.js").await.status, 404);
    assert_eq!(served.get("/healthz").await.body, "ok\n");
    let ready = served.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.header("cache-control")),
        (200, "no-store")
    );
}

#[tokio::test]
async fn reachable_from_elsewhere_without_a_secret_it_warns() {
    let mut served = Served::start(&["--listen", "0.0.0.0:0"]).await;
    served.says("--secret-key-base-file").await;
}

#[tokio::test]
async fn directories_are_served_with_the_types_that_browsers_insist_on() {
    let www = directory("www", &[("index.html", "<h1>mine</h1>"), ("style.css", "")]);
    let client = directory(
        "client",
        &[
            ("index.js", "export {}"),
            ("index.d.ts", "export {}"),
            ("client_bg.wasm", "\0asm"),
            ("package.json", "{}"),
        ],
    );
    let served = Served::start(&[
        "--www",
        www.to_str().unwrap(),
        "--client",
        client.to_str().unwrap(),
    ])
    .await;
    let cases = [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/herenow/index.js", "text/javascript; charset=utf-8"),
        ("/herenow/index.d.ts", "text/plain; charset=utf-8"),
        ("/herenow/client_bg.wasm", "application/wasm"),
        ("/herenow/package.json", "application/json"),
    ];
    for (path, content_type) in cases {
        let answer = served.get(path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, content_type),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
    }
    assert_eq!(served.get("/").await.body, "<h1>mine</h1>");
    for outside in [
        "/../client/index.js",
        "/%2e%2e/client/index.js",
        "/herenow/none.js",
    ] {
        assert_eq!(served.get(outside).await.status, 404, "{outside}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn either_signal_ends_it_with_code_0_and_frees_the_port() {
    for signal in ["INT", "TERM"] {
        let mut served = Served::start(&[]).await;
        served.signal(signal).await;
        served.says("closing the connections").await;
        assert_eq!(served.ends().await.code(), Some(0), "{signal}");
        assert!(get(&served.address, "/").await.is_err(), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_it_at_once_though_a_request_still_runs() {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    let mut served = Served::start(&["--shutdown-grace", "1h"]).await;
    let mut unfinished = TcpStream::connect(&served.address).await.unwrap();
    unfinished.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // A later connection was answered, so the earlier one has been accepted.
    served.get("/healthz").await;
    served.signal("INT").await;
    served.says("closing the connections").await;
    served.signal("INT").await;
    assert_eq!(served.ends().await.code(), Some(130));
}
