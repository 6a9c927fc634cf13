//! Any numbers as a key: both engines take it or refuse it alike, and refuse the same signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::compare::{Engine, Key, Numbers};
use tokenward::{Algorithm, Jwk, JwkSet};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = Jwk::from_json(text);
        let _ = JwkSet::from_json(text);
    }
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 5 {
        0 => {
            let (exponent, rest) = data.split_at(data.len().min(usize::from(kind / 5) % 6));
            let (modulus, signature) = rest.split_at(rest.len() / 2);
            // Leading zeros of a JWK are gone before an engine sees it.
            if ![modulus, exponent].iter().any(|number| number.first() == Some(&0)) {
                compare(Numbers::Rsa { modulus, exponent }, Algorithm::Rs256, signature);
            }
        }
        1 => ec(Algorithm::Es256, 32, data),
        2 => ec(Algorithm::Es384, 48, data),
        3 => ec(Algorithm::Es512, 66, data),
        _ => {
            let (point, signature) = data.split_at(data.len().min(32));
            compare(Numbers::Ed25519(point), Algorithm::EdDsa, signature);
        }
    }
});

fn ec(algorithm: Algorithm, size: usize, data: &[u8]) {
    if data.len() < 2 * size {
        return;
    }
    let (point, signature) = data.split_at(2 * size);
    let (x, y) = point.split_at(size);
    compare(Numbers::Ec { algorithm, x, y }, algorithm, signature);
}

fn compare(numbers: Numbers<'_>, algorithm: Algorithm, signature: &[u8]) {
    match [Engine::Fast, Engine::Reference].map(|engine| Key::new(engine, numbers)) {
        [Ok(fast), Ok(reference)] => {
            let expected = reference.verify(algorithm, b"message", signature);
            for _ in 0..2 {
                assert_eq!(fast.verify(algorithm, b"message", signature), expected);
            }
        }
        [fast, reference] => assert_eq!(fast.is_ok(), reference.is_ok(), "{numbers:?}"),
    }
}
