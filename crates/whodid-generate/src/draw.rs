//! Random draws whose results depend on nothing but the seed: the generator's stream is fixed by its
//! algorithm, and the draws are made here, so that no library release changes a history.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded source of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(mix(seed ^ mix(part))))
    }

    /// A number below `bound`; 0 when that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// From `low` to `high`, both possible.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True so many times in a thousand.
    pub(crate) fn permille(&mut self, odds: u64) -> bool {
        self.below(1000) < odds
    }

    /// One of `items`, all equally likely. There must be at least one.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of `items`, the first ones far more often, as keys, buckets and people are used in life.
    pub(crate) fn pick_skewed<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let unit = self.unit();
        &items[(unit * unit * items.len() as f64) as usize]
    }

    /// One of `items` by its weight.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total: u32 = items.iter().map(|(_, weight)| weight).sum();
        let mut rest = self.below(u64::from(total)) as u32;
        for (item, weight) in items {
            if rest < *weight {
                return *item;
            }
            rest -= weight;
        }
        items[0].0
    }

    /// A number rounded up or down so that its average is `expected`.
    pub(crate) fn round(&mut self, expected: f64) -> u64 {
        (expected + self.unit()) as u64
    }

    pub(crate) fn uuid(&mut self) -> String {
        uuid(self.0.next_u64(), self.0.next_u64())
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        hex(self.0.next_u64(), self.0.next_u64(), digits)
    }

    pub(crate) fn letters(&mut self, count: usize) -> String {
        // As in pod names: no vowels, nothing that looks like a digit.
        (0..count).map(|_| char::from(*self.pick(b"bcdfghjklmnpqrstvwxz2456789"))).collect()
    }
}

/// Spreads a number over all 64 bits (splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Up to 32 hexadecimal digits.
pub(crate) fn hex(high: u64, low: u64, digits: usize) -> String {
    let all = hex_digits(high, low);
    all[..digits].iter().map(|digit| *digit as char).collect()
}

fn hex_digits(high: u64, low: u64) -> [u8; 32] {
    let bytes = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    digits
}

/// A version 4 UUID of these bits.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let digits = hex_digits(high, low);
    let mut text = Vec::with_capacity(36);
    for (place, part) in [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().enumerate() {
        if place > 0 {
            text.push(b'-');
        }
        text.extend_from_slice(&digits[part]);
    }
    String::from_utf8(text).unwrap_or_default()
}
