//! Tokens that another implementation made are verified: every algorithm, every common size of key.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use serde_json::json;
use signing::Signer;
use tokenward::{JwkSet, UnixTime, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);

#[test]
fn every_algorithm_and_key_size() {
    let signers = Signer::all();
    assert_eq!(signers.len(), 4 + 6 * 3);
    for signer in &signers {
        let claims = json!({
            "iss": "https://login.example", "aud": ["other", "app"], "sub": "\u{1f600} \u{7f}", "exp": 1_760_000_300.5,
            "nested": { "list": [1, -2.5, null, true, ""] },
        });
        let token = signer.issue(&claims);
        let verifier = verifier(&[signer]);
        let verified = verifier.verify(&token, NOW).unwrap_or_else(|error| panic!("{}: {error}", signer.kid()));
        let read: serde_json::Value = serde_json::from_str(verified.payload()).unwrap();
        assert_eq!(read, claims, "{}", signer.kid());
        let late = verifier.verify(&token, UnixTime::from_secs(1_760_000_306)).unwrap_err();
        assert_eq!(late.code(), "expired", "{}", signer.kid());
    }
}

#[test]
fn no_key_verifies_the_tokens_of_another() {
    let signers = Signer::all();
    let keys: Vec<&Signer> = signers.iter().collect();
    let everybody = verifier(&keys);
    let claims = json!({ "iss": "https://login.example", "aud": "app", "exp": 1_760_000_300 });
    for (index, signer) in signers.iter().enumerate() {
        let token = signer.issue(&claims);
        assert_eq!(everybody.verify(&token, NOW).unwrap().key_index(), index, "{}", signer.kid());
        let others: Vec<&Signer> = signers.iter().filter(|other| other.kid() != signer.kid()).collect();
        assert_eq!(verifier(&others).verify(&token, NOW).unwrap_err().code(), "key_not_found", "{}", signer.kid());
    }
}

/// A token without `kid` is tried with every key that fits; the RSA keys of one size are the same number here.
#[test]
fn a_token_that_names_no_key_finds_its_own() {
    let signers = Signer::all();
    let keys: Vec<&Signer> = signers.iter().collect();
    let everybody = verifier(&keys);
    for signer in &signers {
        let header = json!({ "alg": signer.alg }).to_string();
        let token = signer.sign(header, r#"{"iss":"https://login.example","aud":"app","exp":1760000300}"#);
        let index = everybody.verify(&token, NOW).unwrap().key_index();
        assert_eq!(signers[index].jwk["n"], signer.jwk["n"], "{}", signer.kid());
        assert_eq!(signers[index].jwk["x"], signer.jwk["x"], "{}", signer.kid());
    }
}

fn verifier(signers: &[&Signer]) -> Verifier {
    let keys: Vec<_> = signers.iter().map(|signer| &signer.jwk).collect();
    let keys = JwkSet::from_json(&json!({ "keys": keys }).to_string()).unwrap();
    Verifier::builder(keys, "https://login.example", "app").build().unwrap()
}
