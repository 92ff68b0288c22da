//! The versions of one replica in all shards, with a sum and a hash by which two nodes can compare
//! what they know of them without listing them.

/// Versions by shard. They only grow.
#[derive(Clone, Default, Hash)]
pub(super) struct Vector {
    versions: Vec<u64>,
    sum: u64,
    hash: u64,
}

impl Vector {
    pub(super) fn get(&self, shard: u16) -> u64 {
        self.versions.get(usize::from(shard)).copied().unwrap_or(0)
    }

    /// Raises the version of a shard, and says whether it was lower.
    pub(super) fn raise(&mut self, shard: u16, version: u64) -> bool {
        let old = self.get(shard);
        if version <= old {
            return false;
        }
        let at = usize::from(shard);
        if self.versions.len() <= at {
            self.versions.resize(at + 1, 0);
        }
        self.versions[at] = version;
        self.sum = self.sum.wrapping_add(version - old);
        self.hash = self
            .hash
            .wrapping_sub(mix(shard, old))
            .wrapping_add(mix(shard, version));
        true
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// Shards with their versions, without those at 0.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, u64)> {
        let versions = (0_u16..).zip(self.versions.iter().copied());
        versions.filter(|(_, version)| *version > 0)
    }
}

/// The part of a shard at a version in the hash: nothing for version 0. It is a contract between nodes:
/// the finalizer of MurmurHash3 over both numbers.
fn mix(shard: u16, version: u64) -> u64 {
    if version == 0 {
        return 0;
    }
    let mut bits = version ^ u64::from(shard) << 48;
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        bits = (bits ^ bits >> 33).wrapping_mul(factor);
    }
    bits ^ bits >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_and_hash_depend_on_the_versions_only() {
        let mut one = Vector::default();
        let mut other = Vector::default();
        for (shard, version) in [(3, 1), (3, 5), (0, 2), (3, 4)] {
            one.raise(shard, version);
        }
        for (shard, version) in [(0, 2), (3, 5)] {
            assert!(other.raise(shard, version));
        }
        assert_eq!((one.sum(), one.hash()), (other.sum(), other.hash()));
        assert_eq!(one.iter().collect::<Vec<_>>(), [(0, 2), (3, 5)]);
    }

    #[test]
    fn vectors_that_differ_hash_differently_even_with_equal_sums() {
        let hashes: std::collections::HashSet<u64> = (0..100)
            .map(|version| {
                let mut vector = Vector::default();
                vector.raise(0, version);
                vector.raise(1, 100 - version);
                assert_eq!(vector.sum(), 100);
                vector.hash()
            })
            .collect();
        assert_eq!(hashes.len(), 100);
    }

    #[test]
    fn the_hash_is_the_same_on_all_releases() {
        let mut vector = Vector::default();
        vector.raise(1, 1);
        assert_eq!(vector.hash(), mix(1, 1));
        assert_eq!(mix(1, 1), 0xc28f_7dd1_afac_b48c);
    }
}
