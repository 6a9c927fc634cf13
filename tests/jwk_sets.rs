//! What a set of keys and a verifier say through the Rust API: which keys cannot be used and why, what a published set leaves
//! out, and what one of several values means.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use serde_json::{Value, json};
use signing::Signer;
use tokenward::{Accept, Algorithm, ConfigError, JwkSet, UnixTime, Verifier, VerifierBuilder};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);

fn with(jwk: &Value, more: &Value) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

fn builder(keys: JwkSet) -> VerifierBuilder {
    Verifier::builder(keys, Accept::Any, Accept::Any)
}

fn good() -> JwkSet {
    JwkSet::from_json(&json!([Signer::eddsa().jwk]).to_string()).unwrap()
}

#[test]
fn a_verifier_says_which_keys_cannot_be_used() {
    let good = Signer::eddsa().jwk;
    let set = json!([{ "kty": "AKP", "kid": "pq" }, with(&good, &json!({ "kid": "enc", "use": "enc" })), good, Signer::es256().jwk]);
    let keys = JwkSet::from_json(&set.to_string()).unwrap();
    let verifier = builder(keys).algorithms([Algorithm::EdDsa]).build().unwrap();
    let listed: Vec<_> = verifier.keys().iter().map(|key| (key.kty(), verifier.why_unusable(key))).collect();
    let expected = [("OKP", Some("use")), ("OKP", None), ("EC", Some("P-256")), ("AKP", Some("alg"))];
    assert_eq!(listed.len(), expected.len());
    for ((kty, reason), (expected_kty, word)) in listed.iter().zip(expected) {
        assert_eq!((*kty, reason.is_some()), (expected_kty, word.is_some()), "{reason:?}");
        assert!(reason.as_deref().unwrap_or_default().contains(word.unwrap_or_default()), "{reason:?}");
    }
}

#[test]
fn secrets_refuse_a_bundled_set_and_are_left_out_of_a_published_one() {
    let good = Signer::eddsa().jwk;
    for (secret, code) in [
        (with(&Signer::es256().jwk, &json!({ "d": "AA" })), "private_key"),
        (json!({ "kty": "oct", "k": "AA" }), "symmetric_key"),
        (json!({ "kty": "AKP", "priv": "AA" }), "private_key"),
    ] {
        let text = json!({ "keys": [secret, good] }).to_string();
        assert_eq!(JwkSet::from_json(&text).unwrap_err().code(), code);
        let verifier = builder(JwkSet::from_published_json(&text).unwrap()).build().unwrap();
        let secrets: Vec<_> = verifier.keys().iter().filter_map(|key| key.secret()).collect();
        assert_eq!(secrets, [code]);
        let alone = JwkSet::from_published_json(&json!([secret]).to_string()).unwrap();
        assert!(matches!(builder(alone).build().unwrap_err(), ConfigError::NoUsableKey { .. }));
    }
}

#[test]
fn null_is_absent_and_no_primes_are_no_secret() {
    let jwk = with(
        &Signer::rs256().jwk,
        &json!({ "d": null, "k": null, "oth": [], "kid": null, "use": null, "key_ops": null }),
    );
    assert!(builder(JwkSet::from_json(&json!([jwk]).to_string()).unwrap()).build().is_ok());
}

/// Many operations cost no more than reading them.
#[test]
fn operations_are_named_once() {
    let refused = |operations: Value| {
        let jwk = with(&Signer::eddsa().jwk, &json!({ "key_ops": operations }));
        builder(JwkSet::from_json(&json!([jwk]).to_string()).unwrap()).build().is_err()
    };
    assert!(!refused(json!(["verify", "sign"])));
    for operations in
        [json!(["verify", "verify"]), json!(["verify", 1]), json!("verify"), json!([]), json!({ "a": "verify" })]
    {
        assert!(refused(operations.clone()), "{operations}");
    }
    let mut many: Vec<Value> = (0..50_000).map(|number| json!(number.to_string())).collect();
    many.push(json!("verify"));
    assert!(!refused(many.clone().into()));
    many.push(json!("7"));
    assert!(refused(many.into()));
}

#[test]
fn one_of_several_types_and_values() {
    let token = |typ: &str, azp: &Value| {
        let header = json!({ "alg": "EdDSA", "kid": "EdDSA-256", "typ": typ }).to_string();
        Signer::eddsa().sign(header, json!({ "exp": 1_760_000_300, "azp": azp }).to_string())
    };
    let verifier =
        builder(good()).typ(["at+jwt", "JWT"]).expect_claim_one_of("azp", &["\"web\"", "7", "[1]"]).build().unwrap();
    for azp in [json!("web"), json!(7.0), json!([1])] {
        assert!(verifier.verify(&token("application/at+jwt", &azp), NOW).is_ok(), "{azp}");
    }
    let error = verifier.verify(&token("jwt", &json!("cli")), NOW).unwrap_err();
    assert_eq!(
        (error.code(), error.expected().unwrap().to_string()),
        ("claim_mismatch", r#"["web",7,[1]]"#.to_owned())
    );
    let error = verifier.verify(&token("x", &json!("web")), NOW).unwrap_err();
    assert_eq!(
        (error.code(), error.expected().unwrap().to_string()),
        ("unexpected_type", r#"["at+jwt","JWT"]"#.to_owned())
    );

    let empty = builder(good()).expect_claim_one_of("azp", &[]).build().unwrap_err();
    assert_eq!((empty.code(), empty.option()), ("invalid_option", "expect_claim"));
    let broken = builder(good()).expect_claim_one_of("azp", &["1", "{"]).build().unwrap_err();
    assert_eq!((broken.code(), broken.option()), ("invalid_option", "expect_claim"));
    let empty = builder(good()).typ(Vec::new()).build().unwrap_err();
    assert_eq!((empty.code(), empty.option()), ("invalid_option", "typ"));
}
