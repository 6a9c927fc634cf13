//! What a Rust app does with verifiers, sets, keys, algorithms and times beside verifying.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use core::ptr;
use core::time::Duration;
use std::collections::{BTreeSet, HashSet};
use std::time::SystemTime;

use serde_json::json;
use signing::Signer;
use tokenward::{Accept, Algorithm, Jwk, JwkSet, Policy, UnixTime, Verifier, VerifierBuilder, VerifierSet};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);

fn set(signers: &[&Signer]) -> JwkSet {
    JwkSet::from_json(&json!(signers.iter().map(|signer| &signer.jwk).collect::<Vec<_>>()).to_string()).unwrap()
}

fn builder(keys: JwkSet) -> VerifierBuilder {
    Verifier::builder(keys, Accept::Any, Accept::Any).require_exp(false)
}

#[test]
fn clones_share_their_keys_and_are_replaced_apart() {
    let (old, new) = (Signer::eddsa(), Signer::es256());
    let keys = set(&[&old]);
    assert!(ptr::eq(keys.keys(), keys.clone().keys()));
    let verifier = builder(keys).build().unwrap();
    let mut next = verifier.clone();
    assert!(ptr::eq(verifier.keys(), next.keys()));
    next.set_keys(set(&[&new])).unwrap();

    let token = |signer: &Signer| signer.issue(&json!({ "sub": "user" }));
    assert!(verifier.verify(&token(&old), NOW).is_ok() && verifier.verify(&token(&new), NOW).is_err());
    assert!(next.verify(&token(&new), NOW).is_ok() && next.verify(&token(&old), NOW).is_err());
    let several = VerifierSet::new(vec![verifier]).unwrap();
    assert!(several.clone().verify(&token(&old), NOW).is_ok());
}

#[test]
fn what_is_shared_crosses_threads() {
    fn crosses<T: Clone + Send + Sync + 'static>() {}
    crosses::<Verifier>();
    crosses::<VerifierSet>();
    crosses::<JwkSet>();
    crosses::<Jwk>();
}

#[test]
fn a_set_is_made_of_keys() {
    let (one, two) = (Signer::eddsa(), Signer::es256());
    let published = json!([{ "kty": "EC", "crv": "secp256k1", "kid": "other" }, one.jwk]).to_string();
    let published = JwkSet::from_published_json(&published).unwrap();
    let key = Jwk::from_json(&two.jwk.to_string()).unwrap();
    // Those that are not supported come last, as in a set that is read.
    let keys: JwkSet = published.keys().iter().rev().cloned().chain([key]).collect();
    let kids: Vec<_> = keys.keys().iter().map(|key| key.kid().unwrap()).collect();
    assert_eq!(kids, [one.kid(), two.kid(), "other"]);

    let verifier = builder(keys).build().unwrap();
    for signer in [one, two] {
        let token = verifier.verify(&signer.issue(&json!({})), NOW).unwrap();
        assert_eq!(token.kid(), Some(signer.kid()));
        assert_eq!(verifier.keys()[token.key_index()].kid(), token.kid());
    }
    assert_eq!(builder(JwkSet::from_iter([])).build().unwrap_err().code(), "no_usable_key");
}

#[test]
fn a_token_says_its_kid_whatever_its_spelling() {
    let signer = Signer::eddsa();
    let key = Jwk::from_json(&signer.jwk.to_string()).unwrap().with_kid("schlüssel");
    let verifier = builder(JwkSet::from_iter([key])).build().unwrap();
    let kid = |header: &str| {
        let token = verifier.verify(&signer.sign(header, "{}"), NOW).unwrap();
        token.kid().map(str::to_owned)
    };
    assert_eq!(kid(r#"{"alg":"EdDSA","kid":"schl\u00fcssel"}"#).as_deref(), Some("schlüssel"));
    assert_eq!(kid(r#"{"alg":"EdDSA"}"#), None);
}

#[test]
fn algorithms_are_read_and_written_by_their_names() {
    for algorithm in Algorithm::all() {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa));
    assert_eq!(format!("{:>7}|{:<7}|", Algorithm::Es256, Algorithm::Es256), "  ES256|ES256  |");
    let all: Vec<_> = Algorithm::all().collect();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for (name, word) in [
        ("", "should be one of RS256"),
        ("rs256", "perhaps RS256 is meant"),
        ("none", "\"none\""),
        ("HS256", "can also sign"),
        ("ES256\n", "\\u000a"),
    ] {
        let error = name.parse::<Algorithm>().unwrap_err();
        assert_eq!(error.name(), name);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn times_come_from_the_standard_library_and_go_back() {
    let epoch = SystemTime::UNIX_EPOCH;
    for (time, seconds) in [
        (epoch, 0.0),
        (epoch + Duration::from_millis(1_760_000_000_500), 1_760_000_000.5),
        (epoch - Duration::from_millis(1500), -1.5),
    ] {
        let unix = UnixTime::from(time);
        assert!((unix.as_secs_f64() - seconds).abs() < 1e-9);
        assert_eq!(SystemTime::try_from(unix), Ok(time));
    }
    assert!(UnixTime::now() > NOW);
    assert_eq!(UnixTime::from(Duration::from_secs(1_760_000_000)), NOW);
    assert_eq!(Duration::try_from(NOW), Ok(Duration::from_secs(1_760_000_000)));
    assert!(UnixTime::from(Duration::MAX).as_secs_f64().is_finite());

    for seconds in [f64::MAX, -f64::MAX, 1e20, -1e20] {
        let time = UnixTime::from_secs_f64(seconds).unwrap();
        let error = SystemTime::try_from(time).unwrap_err();
        assert!(error.seconds() == seconds && error.to_string().contains("out of range"), "{error}");
        assert!(Duration::try_from(time).is_err());
    }
    assert!(Duration::try_from(UnixTime::from_secs_f64(-0.5).unwrap()).is_err());
}

#[test]
fn options_take_durations_and_seconds_alike() {
    let signer = Signer::eddsa();
    let keys = set(&[&signer]);
    let token = signer.issue(&json!({ "iat": 1000, "exp": 1060 }));
    let by_duration = builder(keys.clone())
        .clock_tolerance(Duration::from_millis(1500))
        .max_token_age(Duration::from_secs(30))
        .build()
        .unwrap();
    let by_seconds = builder(keys.clone()).clock_tolerance(1.5).max_token_age(30.0).build().unwrap();
    for verifier in [by_duration, by_seconds] {
        for (now, code) in [(998.4, Some("not_yet_valid")), (998.5, None), (1031.5, None), (1031.6, Some("too_old"))] {
            let now = UnixTime::from_secs_f64(now).unwrap();
            assert_eq!(verifier.verify(&token, now).err().map(|error| error.code()), code);
        }
    }
    // No clock is so far off, but nothing is lost either.
    assert!(builder(keys).clock_tolerance(Duration::MAX).build().is_ok());
    let minute = Duration::from_secs(60);
    assert_eq!(Policy::from_durations(minute, None, minute), Policy::new(60.0, None, 60.0).unwrap());
    assert_eq!(Policy::from_durations(minute, Some(minute), minute), Policy::new(60.0, Some(60.0), 60.0).unwrap());
}

#[test]
fn errors_of_options_name_the_methods() {
    let signer = Signer::eddsa();
    let built = |set: fn(VerifierBuilder) -> VerifierBuilder| set(builder(self::set(&[&signer]))).build().unwrap_err();
    for (option, error) in [
        ("clock_tolerance", built(|builder| builder.clock_tolerance(-1.0))),
        ("clock_tolerance", built(|builder| builder.clock_tolerance(f64::NAN))),
        ("max_token_age", built(|builder| builder.max_token_age(f64::INFINITY))),
        ("max_token_bytes", built(|builder| builder.max_token_bytes(0))),
        ("algorithms", built(|builder| builder.algorithms([]))),
        ("expect_claim", built(|builder| builder.expect_claim("azp", "{"))),
        ("typ", built(|builder| builder.typ(Vec::new()))),
        ("keys", built(|builder| builder.algorithms([Algorithm::Rs256]))),
    ] {
        assert_eq!(error.option(), option);
        assert!(option == "keys" || error.to_string().starts_with(&format!("the option \"{option}\" ")), "{error}");
    }
}
