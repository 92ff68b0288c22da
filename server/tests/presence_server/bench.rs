//! The load generator of the real binary, put on the real binary.

use crate::process::{Served, herenow};

#[tokio::test]
async fn bench_prints_one_line_of_json_and_its_progress_elsewhere() {
    let server = Served::start(&[]).await;
    let url = format!("http://{}", server.address);
    let output = herenow(&["bench", &url, "storm", "--clients", "5"])
        .output()
        .await
        .unwrap();
    let result = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{result}");
    assert_eq!(result.lines().count(), 1, "{result}");
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(
        (&result["bench"], &result["seen"]),
        (&"storm".into(), &6.into())
    );
}

#[tokio::test]
async fn bench_refuses_other_machines_with_one_line() {
    let output = herenow(&["bench", "http://192.0.2.1:4000", "storm"])
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("--allow-remote"), "{errors}");
}
