use super::*;

#[test]
fn the_lockfile_names_packages_by_content_and_not_by_host() {
    let lock = fs::read_to_string(dir().join("package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    for (name, package) in lock["packages"].as_object().unwrap() {
        if !name.is_empty() {
            assert!(package["integrity"].is_string(), "{name} has no integrity");
            assert!(package["resolved"].is_null(), "{name} names a host");
        }
    }
}
