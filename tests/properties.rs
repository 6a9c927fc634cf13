//! What holds for every input: generated ones, and for short tokens all there are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod generators;
mod signing;

use generators::{base64ish, jsonish, jwkish, segment};
use proptest::prelude::*;
use serde_json::{Value, json};
use signing::Signer;
use tokenward::{Accept, Algorithm, Jwk, JwkSet, UnixTime, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
const CLAIMS: &str = r#"{"iss":"https://login.example","aud":"app","exp":1760000300}"#;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All of them: each byte of a token replaced by each character a token is made of, and a few it is not.
#[test]
fn any_change_of_any_byte_is_refused() {
    for signer in [Signer::eddsa(), Signer::es256()] {
        let token = signer.sign(json!({ "alg": signer.alg, "kid": signer.kid() }).to_string(), CLAIMS);
        let verifier = verifier([&signer.jwk]);
        assert!(verifier.verify(&token, NOW).is_ok());
        for position in 0..token.len() {
            for byte in ALPHABET.iter().chain(b".=+/ \n\0") {
                let mut changed = token.clone().into_bytes();
                if changed[position] != *byte {
                    changed[position] = *byte;
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(verifier.verify(&changed, NOW).is_err(), "{} byte {position}: {changed}", signer.alg);
                }
            }
        }
    }
}

/// For the keys whose verification is slow: every byte, each changed once.
#[test]
fn any_byte_can_change_the_answer_of_every_algorithm() {
    for signer in Signer::all() {
        let token = signer.sign(json!({ "alg": signer.alg, "kid": signer.kid() }).to_string(), CLAIMS);
        let verifier = verifier([&signer.jwk]);
        assert!(verifier.verify(&token, NOW).is_ok());
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            // A neighbour in the alphabet: the smallest change of the bits.
            let place = ALPHABET.iter().position(|character| *character == changed[position]);
            changed[position] = place.map_or(b'A', |place| ALPHABET[place ^ 1]);
            let changed = String::from_utf8(changed).unwrap();
            assert!(verifier.verify(&changed, NOW).is_err(), "{} byte {position}: {changed}", signer.kid());
        }
    }
}

/// Two tokens of one key, cut anywhere and put together again, are only ever themselves.
#[test]
fn no_splice_of_two_tokens_is_verified() {
    let signer = Signer::eddsa();
    let header = json!({ "alg": "EdDSA" }).to_string();
    let one = signer.sign(&header, CLAIMS);
    let other = signer.sign(&header, CLAIMS.replace("app\"", "app\",\"admin\":true"));
    let verifier = verifier([&signer.jwk]);
    for cut in 0..=one.len() {
        for offset in 0..other.len() {
            let spliced = format!("{}{}", &one[..cut], &other[offset..]);
            if spliced != one && spliced != other && spliced.matches('.').count() == 2 {
                assert!(verifier.verify(&spliced, NOW).is_err(), "{spliced}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_a_token_and_none_panics(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let verifier = verifier([&Signer::eddsa().jwk]);
        prop_assert!(verifier.verify(&text, NOW).is_err());
        prop_assert!(verifier.verify(&String::from_utf8_lossy(&bytes), NOW).is_err());
    }

    #[test]
    fn no_three_segments_panic(
        header in segment(),
        payload in segment(),
        signature in prop_oneof![any::<Vec<u8>>().prop_map(|bytes| signing::text(&bytes)), base64ish()],
    ) {
        let verifier = verifier([&Signer::eddsa().jwk]);
        let token = format!("{header}.{payload}.{signature}");
        prop_assert!(verifier.verify(&token, NOW).is_err());
    }

    #[test]
    fn no_key_set_panics(text in prop_oneof![any::<String>(), jsonish(), jwkish()]) {
        let _ = Jwk::from_json(&text);
        let _ = JwkSet::from_json(&text);
        let _ = JwkSet::from_json(&format!("[{text}]"));
        if let Ok(keys) = JwkSet::from_json(&format!("{{\"keys\":[{text}]}}")) {
            let _ = Verifier::builder(keys, Accept::Any, Accept::Any).build();
        }
    }

}

// Signature arithmetic takes its time.
proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_signature_panics(bytes in any::<Vec<u8>>(), sized in prop::collection::vec(any::<u8>(), 132)) {
        for signer in [Signer::eddsa(), Signer::es256(), Signer::es384(), Signer::es512()] {
            let key = Jwk::from_json(&signer.jwk.to_string()).unwrap();
            let algorithm = Algorithm::from_name(signer.alg).unwrap();
            prop_assert!(key.verify(algorithm, b"message", &bytes).is_err());
            for size in [64, 96, 132] {
                prop_assert!(key.verify(algorithm, b"message", &sized[..size]).is_err());
            }
        }
    }

    /// Keys that cannot have made the token (another `kid`, type or use) change nothing, wherever they stand.
    #[test]
    fn unrelated_keys_do_not_matter(order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(), named: bool, good: bool) {
        let signer = Signer::eddsa();
        let unrelated = [
            Signer::es256().jwk,
            Signer::es512().jwk,
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "for encryption", "use": "enc", "x": signer.jwk["x"] }),
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "small order", "x": signing::text(&[0; 32]) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "other alg", "alg": "ES256", "x": signer.jwk["x"] }),
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": signer.kid(), "pub": "AA" }),
        ];
        let header = if named { json!({ "alg": "EdDSA", "kid": signer.kid() }) } else { json!({ "alg": "EdDSA" }) };
        let mut token = signer.sign(header.to_string(), CLAIMS);
        if !good {
            token.replace_range(token.len() - 10..token.len() - 9, if token.as_bytes()[token.len() - 10] == b'A' { "B" } else { "A" });
        }
        let all: Vec<&Value> = unrelated.iter().chain([&signer.jwk]).collect();
        let alone = verifier([&signer.jwk]).verify(&token, NOW);
        let among = verifier(order.iter().map(|index| all[*index])).verify(&token, NOW);
        prop_assert_eq!(alone.map(|token| token.payload().to_owned()), among.map(|token| token.payload().to_owned()));
    }
}

fn verifier<'k>(keys: impl IntoIterator<Item = &'k Value>) -> Verifier {
    let keys: Vec<&Value> = keys.into_iter().collect();
    let keys = JwkSet::from_json(&json!({ "keys": keys }).to_string()).unwrap();
    Verifier::builder(keys, "https://login.example", "app").build().unwrap()
}
