//! Reproducible noise: random bytes, and texts with something broken in them.

/// A small random generator (splitmix64), so that a failing seed fails everywhere.
pub(crate) struct Noise(pub(crate) u64);

/// What is worth putting into JSON to break it.
const BYTES: &[u8] = b"\"\\{}[],:0123456789-+.eEutrfalsn/ \n\t\r\0\x1f\x7f";

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Up to `max_len` bytes, of JSON's alphabet or of all.
    pub(crate) fn bytes(&mut self, max_len: usize) -> Vec<u8> {
        let json_only = self.below(2) == 0;
        let len = self.below(max_len + 1);
        (0..len).map(|_| self.byte(json_only)).collect()
    }

    fn byte(&mut self, json_only: bool) -> u8 {
        if json_only {
            BYTES[self.below(BYTES.len())]
        } else {
            self.next().to_le_bytes()[0]
        }
    }

    /// `bytes` with one to three changes: a byte replaced, inserted or removed, the end cut off, or a
    /// piece repeated.
    pub(crate) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let json_only = self.below(8) > 0;
        match self.below(6) {
            0 => bytes.truncate(at),
            1 | 2 => bytes.insert(at, self.byte(json_only)),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                let end = at + self.below(bytes.len() - at + 1);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ if at < bytes.len() => bytes[at] = self.byte(json_only),
            _ => {}
        }
    }
}
