use proptest::prelude::*;

use super::*;

fn own() -> Origin {
    "https://chat.example.com".parse().unwrap()
}

fn list(patterns: &str) -> CheckOrigin {
    patterns.parse().unwrap()
}

fn allowed(check: &CheckOrigin, origin: &str) -> bool {
    check.allows(Some(origin), &own())
}

/// What browsers and others send that names no host.
const WITHOUT_HOST: [&str; 8] = [
    "null",
    "",
    "file://",
    "/",
    "http://",
    "://a.com",
    "a.com",
    "http://:80",
];

#[test]
fn a_request_without_an_origin_is_allowed_by_every_check() {
    for check in ["any", "same-origin", "https://example.com"] {
        assert!(list(check).allows(None, &own()), "{check}");
    }
    assert!(CheckOrigin::List(vec![]).allows(None, &own()));
}

#[test]
fn an_origin_without_a_host_is_allowed_only_where_any_is() {
    for origin in WITHOUT_HOST {
        assert!(allowed(&CheckOrigin::Any, origin), "{origin}");
        assert!(!allowed(&CheckOrigin::SameOrigin, origin), "{origin}");
        assert!(
            !allowed(&list("//a.com,//*.com,http://localhost"), origin),
            "{origin}"
        );
    }
}

#[test]
fn an_empty_list_refuses_every_page() {
    assert!(!allowed(
        &CheckOrigin::List(vec![]),
        "https://chat.example.com"
    ));
}

#[test]
fn same_origin_compares_scheme_host_and_port() {
    let check = CheckOrigin::SameOrigin;
    assert!(allowed(&check, "https://chat.example.com"));
    assert!(allowed(&check, "https://chat.example.com:443"));
    assert!(allowed(&check, "https://Chat.Example.COM"));
    assert!(!allowed(&check, "http://chat.example.com"));
    assert!(!allowed(&check, "http://chat.example.com:443"));
    assert!(!allowed(&check, "https://chat.example.com:444"));
    assert!(!allowed(&check, "https://example.com"));
}

#[test]
fn hosts_ignore_scheme_and_port() {
    let check = CheckOrigin::hosts(["localhost", "Example.com", "[::1]"]).unwrap();
    for origin in [
        "http://localhost:4000",
        "https://EXAMPLE.com",
        "http://[0:0::1]:8080",
    ] {
        assert!(allowed(&check, origin), "{origin}");
    }
    for origin in [
        "http://www.example.com",
        "http://example.com.evil.com",
        "http://[::2]",
    ] {
        assert!(!allowed(&check, origin), "{origin}");
    }
}

#[test]
fn hosts_are_names_without_ports_and_wildcards() {
    for host in ["example.com:80", "*.example.com", "", "http://example.com"] {
        let error = CheckOrigin::hosts([host]).unwrap_err();
        assert_eq!(error.pattern(), host);
    }
}

#[test]
fn a_pattern_without_a_scheme_matches_every_scheme_and_port() {
    let check = list("//example.com");
    for origin in [
        "http://example.com",
        "https://example.com",
        "tauri://example.com:99",
    ] {
        assert!(allowed(&check, origin), "{origin}");
    }
    assert!(!allowed(&check, "http://org1.example.com"));
}

#[test]
fn a_pattern_with_a_port_but_no_scheme_compares_the_port() {
    let check = list("//port.com:81,//web.com:80");
    assert!(allowed(&check, "http://port.com:81"));
    assert!(allowed(&check, "https://port.com:81"));
    assert!(!allowed(&check, "http://port.com:82"));
    assert!(!allowed(&check, "http://port.com"));
    assert!(allowed(&check, "http://web.com"));
    assert!(!allowed(&check, "https://web.com"));
}

#[test]
fn a_pattern_with_a_scheme_but_no_port_means_the_port_of_the_scheme() {
    let check = list("http://scheme.com");
    assert!(allowed(&check, "http://scheme.com"));
    assert!(allowed(&check, "http://scheme.com:80"));
    assert!(!allowed(&check, "http://scheme.com:8080"));
    assert!(!allowed(&check, "https://scheme.com"));
    assert!(!allowed(&check, "https://scheme.com:80"));
}

#[test]
fn a_scheme_that_has_no_port_matches_every_port() {
    let check = list("tauri://localhost");
    assert!(allowed(&check, "tauri://localhost"));
    assert!(allowed(&check, "tauri://localhost:99"));
    assert!(!allowed(&check, "http://localhost"));
}

#[test]
fn a_wildcard_matches_the_domain_and_every_host_below_it_and_no_other() {
    let check = list("//*.wild.com, https://*.tls.com:444");
    for origin in [
        "http://wild.com",
        "http://a.wild.com",
        "https://a.b.Wild.com:99",
        "https://a.tls.com:444",
    ] {
        assert!(allowed(&check, origin), "{origin}");
    }
    for origin in [
        "http://notwild.com",
        "http://wild.com.evil.com",
        "http://com",
        "https://a.tls.com",
    ] {
        assert!(!allowed(&check, origin), "{origin}");
    }
}

#[test]
fn a_path_in_the_header_is_ignored_and_cannot_disguise_the_host() {
    let check = list("//good.com");
    assert!(allowed(&check, "https://good.com/"));
    assert!(allowed(&check, "https://good.com?x#y"));
    for origin in [
        "https://evil.com/good.com",
        "https://evil.com?good.com",
        "https://good.com@evil.com",
        "https://evil.com@good.com",
        "https://evil.com\\good.com",
        "https://evil.com good.com",
        "https://good.com https://evil.com",
        "https://evil.com%2fgood.com",
        "https://good.com:80:80",
        "https://[good.com",
        "https://[::1]good.com",
    ] {
        assert!(!allowed(&check, origin), "{origin}");
    }
}

#[test]
fn ipv6_hosts_compare_as_addresses() {
    let check = list("http://[::1]:4000");
    assert!(allowed(&check, "http://[::1]:4000"));
    assert!(allowed(&check, "http://[0:0:0:0:0:0:0:1]:4000"));
    assert!(!allowed(&check, "http://[::1]"));
    assert!(!allowed(&check, "http://[::2]:4000"));
    assert!(!allowed(&list("//[::1]"), "http://[::1]evil.com"));
    assert_eq!(check.to_string(), "http://[::1]:4000");
}

#[test]
fn a_host_header_makes_the_origin_of_the_server() {
    let origin = Origin::new("http", "[::1]:4000").unwrap();
    assert_eq!((origin.host(), origin.port()), ("::1", Some(4000)));
    assert_eq!(
        Origin::new("HTTP", "Example.com").unwrap().to_string(),
        "http://example.com"
    );
    assert_eq!(Origin::new("http", ""), Err(OriginError::NoHost));
    assert_eq!(Origin::new("", "a.com"), Err(OriginError::Scheme));
    assert_eq!(Origin::new("http", "a.com:"), Err(OriginError::Port));
    assert_eq!(Origin::new("http", "a.com:+80"), Err(OriginError::Port));
    assert_eq!(Origin::new("http", "a.com:65536"), Err(OriginError::Port));
    assert_eq!(Origin::new("http", "[::g]"), Err(OriginError::Ipv6));
    assert_eq!(
        Origin::new("http", "b\u{fc}cher.example"),
        Err(OriginError::Host)
    );
}

#[test]
fn an_error_names_the_pattern_and_what_is_wrong() {
    for (pattern, hint) in [
        ("example.com", "//"),
        ("localhost:4000", "//"),
        ("", "//"),
        ("http//a.com", "//"),
        ("*", "//"),
        ("https://a.com/app", "path"),
        ("https://a.com/", "path"),
        ("//*", "`*`"),
        ("//*.*.com", "`*`"),
        ("//a.*.com", "`*`"),
        ("//*.[::1]", "`*`"),
        ("//*.", "no host"),
        ("https://", "no host"),
        ("//:80", "no host"),
        ("1http://a.com", "scheme"),
        ("//a.com:http", "port"),
        ("//a.com:*", "port"),
        ("//[::g]", "IPv6"),
        ("//user@a.com", "character"),
        ("https://b\u{fc}cher.example", "xn--"),
    ] {
        let error = format!("//fine.com,{pattern}")
            .parse::<CheckOrigin>()
            .unwrap_err();
        assert_eq!(error.pattern(), pattern);
        let message = error.to_string();
        assert!(message.contains(&format!("{pattern:?}")), "{message}");
        assert!(message.contains(hint), "{pattern}: {message}");
    }
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9-]{1,8}(\\.[a-zA-Z0-9-]{1,8}){0,3}",
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ]
}

prop_compose! {
    fn origin_text()(
        scheme in prop_oneof!["https?", "wss?", "[a-z][a-z+.-]{0,6}"],
        host in host(),
        port in proptest::option::of(any::<u16>()),
    ) -> String {
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        format!("{scheme}://{host}{port}")
    }
}

prop_compose! {
    fn pattern_text()(
        scheme in prop_oneof!["https?:", "", "[a-z][a-z+.-]{0,6}:"],
        name in prop_oneof!["(\\*\\.)?[a-zA-Z0-9-]{1,8}(\\.[a-zA-Z0-9-]{1,8}){0,3}", host()],
        port in proptest::option::of(any::<u16>()),
    ) -> String {
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        format!("{scheme}//{name}{port}")
    }
}

proptest! {
    #[test]
    fn every_origin_is_its_own_and_matches_itself_as_a_pattern(text in origin_text()) {
        let origin: Origin = text.parse().unwrap();
        prop_assert!(CheckOrigin::SameOrigin.allows(Some(&text), &origin));
        prop_assert!(list(&text).allows(Some(&text), &own()));
        prop_assert!(list(&text).allows(Some(&text.to_ascii_uppercase()), &own()));
        prop_assert_eq!(&origin.to_string().parse::<Origin>().unwrap(), &origin);
    }

    #[test]
    fn a_check_reads_back_what_it_shows(patterns in proptest::collection::vec(pattern_text(), 1..4)) {
        let check = list(&patterns.join(", "));
        prop_assert_eq!(list(&check.to_string()), check);
    }

    #[test]
    fn a_wildcard_matches_exactly_whole_labels_before_its_domain(
        labels in "[a-z0-9-]{0,8}(\\.[a-z0-9-]{1,8}){0,2}\\.?",
    ) {
        let host = format!("{labels}wild.com");
        let whole = labels.is_empty() || labels.ends_with('.');
        prop_assert_eq!(allowed(&list("//*.wild.com"), &format!("http://{host}")), whole);
    }

    #[test]
    fn no_text_makes_a_check_panic(origin in ".{0,40}", pattern in "[a-z:/*.@\\[\\]0-9]{0,20}") {
        for check in ["same-origin", "//a.com", "//*.b.com"] {
            allowed(&list(check), &origin);
            allowed(&list(check), &pattern);
        }
        let _ = pattern.parse::<CheckOrigin>();
    }

    #[test]
    fn whatever_is_allowed_by_a_list_is_allowed_by_one_of_its_patterns(
        patterns in proptest::collection::vec(pattern_text(), 1..4), origin in origin_text(),
    ) {
        let any = patterns.iter().any(|pattern| allowed(&list(pattern), &origin));
        prop_assert_eq!(allowed(&list(&patterns.join(",")), &origin), any);
    }
}
