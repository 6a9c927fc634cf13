use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{by_crate, small};
use crate::algorithm::Hash;

const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

/// The examples of FIPS 180-4 that NIST publishes.
#[test]
fn abc_is_hashed_as_nist_says() {
    let expected = [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ];
    for (hash, expected) in HASHES.into_iter().zip(expected) {
        for hashed in [small::hashed, by_crate::hashed] {
            assert_eq!(hexadecimal(&hashed(hash, &[b"a", b"", b"bc"])), expected);
        }
    }
}

/// Around each place where padding needs another block. Every constant goes into every block.
#[test]
fn both_hashes_agree_at_every_length() {
    let message: Vec<u8> = (0..=u8::MAX).cycle().map(|at| at.wrapping_mul(167)).take(520).collect();
    for length in 0..=message.len() {
        for hash in HASHES {
            let (first, second) = message[..length].split_at(length / 3);
            assert_eq!(small::hashed(hash, &[first, second]), by_crate::hashed(hash, &[first, second]), "{length}");
        }
    }
}

proptest! {
    #[test]
    fn both_hashes_agree(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        for hash in HASHES {
            prop_assert_eq!(small::hashed(hash, &parts), by_crate::hashed(hash, &parts));
        }
    }
}
