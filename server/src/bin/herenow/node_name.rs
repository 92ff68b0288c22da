//! A name for a node that was not given one.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};

use herenow::cluster::bus::MAX_NAME_BYTES;

/// Random letters and digits: 30 bits, so that no two nodes of a cluster take the same by chance.
const SUFFIX: usize = 6;

/// Without those that look like others.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The host's name, for people, and a random suffix, because several nodes may run on one host.
pub(crate) fn unique() -> String {
    let mut name = allowed(&host());
    name.truncate(MAX_NAME_BYTES - SUFFIX - 1);
    name.push('-');
    let mut bits = RandomState::new().hash_one(std::process::id());
    for _ in 0..SUFFIX {
        name.push(LETTERS[(bits % 32) as usize].into());
        bits /= 32;
    }
    name
}

fn host() -> String {
    let file = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"));
    file.ok()
        .or_else(|| env::var("HOSTNAME").ok())
        .or_else(|| env::var("COMPUTERNAME").ok())
        .unwrap_or_default()
}

/// What of a host's name may be in a node's.
fn allowed(host: &str) -> String {
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    let name: String = host.trim().chars().filter(is_allowed).collect();
    match name.is_empty() {
        true => "node".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_allowed_and_differ() {
        let names: std::collections::HashSet<_> = (0..100).map(|_| unique()).collect();
        assert_eq!(names.len(), 100);
        for name in names {
            assert!(name.len() <= MAX_NAME_BYTES, "{name}");
            assert_eq!(allowed(&name), name);
        }
    }

    #[test]
    fn a_host_without_a_name_that_can_be_used_has_one() {
        assert_eq!(allowed(" web-1.example\n"), "web-1.example");
        assert_eq!(allowed("ä ö"), "node");
    }
}
