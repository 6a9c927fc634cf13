//! Profiles from Rust: what each asks of a token, what one call expects, and which options contradict them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use signing::Signer;
use tokenward::{Accept, ConfigError, Expected, JwkSet, Profile, UnixTime, Verifier, VerifierBuilder};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
const ISSUER: &str = "https://login.example";

fn builder(signer: &Signer) -> VerifierBuilder {
    Verifier::builder(JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap(), ISSUER, "app")
}

fn token(signer: &Signer, typ: &str, claims: &Value) -> String {
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, signer.kid());
    signer.sign(header, claims.to_string())
}

fn id_token() -> Value {
    json!({
        "iss": ISSUER, "aud": "app", "sub": "ada", "iat": 1_760_000_000, "exp": 1_760_000_300,
        "nonce": "n", "auth_time": 1_759_999_900,
    })
}

fn access_token() -> Value {
    json!({
        "iss": ISSUER, "aud": "app", "sub": "ada", "client_id": "web", "jti": "1", "iat": 1_760_000_000,
        "exp": 1_760_000_300,
    })
}

fn outcome(verifier: &Verifier, token: &str, expected: &Expected<'_>) -> String {
    match verifier.verify_expecting(token, NOW, expected) {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{} {}", error.code(), error.claim().unwrap_or_default()).trim_end().to_string(),
    }
}

#[test]
fn access_tokens() {
    let signer = Signer::eddsa();
    let verifier = builder(&signer).profile(Profile::AccessToken).build().unwrap();
    let of = |typ: &str, claims: &Value| outcome(&verifier, &token(&signer, typ, claims), &Expected::new());
    assert_eq!(of("at+jwt", &access_token()), "ok");
    assert_eq!(of("application/AT+JWT", &access_token()), "ok");
    assert_eq!(of("JWT", &access_token()), "unexpected_type");
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let mut claims = access_token();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(of("at+jwt", &claims), format!("missing_claim {claim}"));
        if !["exp", "iat", "aud"].contains(&claim) {
            claims[claim] = json!(5);
            assert_eq!(of("at+jwt", &claims), format!("invalid_claim {claim}"));
        }
    }
}

#[test]
fn id_tokens() {
    let signer = Signer::eddsa();
    let verifier = builder(&signer).profile(Profile::IdToken).build().unwrap();
    let of = |change: Value| {
        let mut claims = id_token();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        outcome(&verifier, &token(&signer, "JWT", &claims), &Expected::new())
    };
    assert_eq!(of(json!({})), "ok");
    assert_eq!(of(json!({ "aud": ["app", "api"] })), "missing_claim azp");
    assert_eq!(of(json!({ "aud": ["app", "api"], "azp": "app" })), "ok");
    assert_eq!(of(json!({ "aud": ["app", "api"], "azp": "api" })), "claim_mismatch azp");
    assert_eq!(of(json!({ "azp": "api" })), "claim_mismatch azp");
    assert_eq!(outcome(&verifier, &token(&signer, "at+jwt", &id_token()), &Expected::new()), "unexpected_type");
}

#[test]
fn what_one_call_expects() {
    let signer = Signer::eddsa();
    let verifier = builder(&signer).profile(Profile::IdToken).build().unwrap();
    let mut claims = id_token();
    claims["at_hash"] = json!(signing::text(&Sha512::digest("access")[..32]));
    let token = token(&signer, "JWT", &claims);
    let of = |expected: Expected<'_>| outcome(&verifier, &token, &expected);
    assert_eq!(of(Expected::new().nonce("n").access_token("access").max_age(100.0)), "ok");
    assert_eq!(of(Expected::new().nonce("")), "claim_mismatch nonce");
    assert_eq!(of(Expected::new().nonce("m")), "claim_mismatch nonce");
    assert_eq!(of(Expected::new().access_token("acces")), "claim_mismatch at_hash");
    assert_eq!(of(Expected::new().max_age(94.0)), "too_old auth_time");
    assert_eq!(of(Expected::new().max_age(f64::NAN)), "too_old auth_time");
    assert_eq!(of(Expected::new().max_age(-1000.0)), "too_old auth_time");
}

#[test]
fn options_that_contradict() {
    let signer = Signer::eddsa();
    let keys = || JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap();
    let option = |builder: VerifierBuilder| builder.build().unwrap_err().option();
    assert_eq!(option(Verifier::builder(keys(), Accept::Any, "app").profile(Profile::IdToken)), "issuer");
    assert_eq!(option(Verifier::builder(keys(), ISSUER, Accept::Any).profile(Profile::IdToken)), "audience");
    assert_eq!(option(builder(&signer).profile(Profile::AccessToken).require_exp(false)), "requireExp");
    assert_eq!(option(builder(&signer).profile(Profile::AccessToken).typ("JWT")), "typ");
    assert_eq!(option(builder(&signer).tenants("https://login.example")), "issuer");
    for profile in [Profile::AccessToken, Profile::IdToken] {
        assert_eq!(Profile::from_name(profile.name()), Some(profile));
    }
    assert_eq!(Profile::from_name("AT+JWT"), None);
}

#[test]
fn keys_that_name_no_algorithm() {
    let signer = Signer::eddsa();
    let jwk: Value = serde_json::from_str(&signer.jwk.to_string()).unwrap();
    let mut without = jwk.clone();
    without.as_object_mut().unwrap().remove("alg");
    let mut with = jwk;
    with["alg"] = json!("EdDSA");
    let build = |jwk: &Value| {
        let keys = JwkSet::from_json(&json!([jwk]).to_string()).unwrap();
        Verifier::builder(keys, ISSUER, "app").require_key_algorithm(true).build()
    };
    assert!(build(&with).is_ok());
    assert!(matches!(build(&without), Err(ConfigError::NoUsableKey { .. })));
}

#[test]
fn tenants() {
    const TENANT: &str = "aaaaaaaa-0000-4000-8000-0123456789ab";
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let signer = Signer::eddsa();
    let keys = JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap();
    let verifier = Verifier::builder(keys, Accept::Any, "app").tenants(TEMPLATE).build().unwrap();
    let of = |tenant: &str, tid: &str| {
        let mut claims = id_token();
        claims["iss"] = json!(TEMPLATE.replace("{tenantid}", tenant));
        claims["tid"] = json!(tid);
        outcome(&verifier, &token(&signer, "JWT", &claims), &Expected::new())
    };
    assert_eq!(of(TENANT, TENANT), "ok");
    assert_eq!(of(TENANT, "bbbbbbbb-0000-4000-8000-0123456789ab"), "claim_mismatch tid");
    assert_eq!(of("common", "common"), "claim_mismatch iss");
    assert_eq!(of(&TENANT.to_uppercase(), &TENANT.to_uppercase()), "claim_mismatch iss");
}
