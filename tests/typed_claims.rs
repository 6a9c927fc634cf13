//! `Token::claims::<T>()`: what fits comes out exactly, and what does not is named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use signing::Signer;
use tokenward::{Accept, ClaimsError, JwkSet, Token, UnixTime, Verifier};

/// A genuine token with this payload.
fn token(payload: &str) -> Token {
    let signer = Signer::eddsa();
    let keys = JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap();
    let verifier = Verifier::builder(keys, Accept::Any, Accept::Any).require_exp(false).build().unwrap();
    let token = signer.sign(r#"{"alg":"EdDSA"}"#, payload);
    verifier.verify(&token, UnixTime::from_secs(0)).unwrap()
}

fn refused<T: DeserializeOwned>(payload: &str) -> ClaimsError {
    token(payload).claims::<T>().err().unwrap()
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Plan {
    Free,
    Team { seats: u32 },
    Custom(String),
    Range(u8, u8),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Id(u64);

#[derive(Debug, PartialEq, Deserialize)]
struct Access {
    roles: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Claims {
    sub: String,
    id: Id,
    exp: Option<u64>,
    email: Option<String>,
    #[serde(default)]
    groups: Vec<BTreeMap<String, i64>>,
    realm_access: Option<Access>,
    #[serde(rename = "https://app.example/plan")]
    plan: Option<Plan>,
}

#[test]
fn what_fits_comes_out() {
    let payload = r#" { "sub" : "user-\u0031" , "id" : 18446744073709551615, "email":null, "groups":[{"a":-9223372036854775808},{}],
        "realm_access": {"roles":["a","b"], "ignored": [[{"x":1}]]}, "https:\/\/app.example/plan": {"team":{"seats":3}}, "other": 1e3 } "#;
    let expected = Claims {
        sub: "user-1".to_owned(),
        id: Id(u64::MAX),
        exp: None,
        email: None,
        groups: vec![BTreeMap::from([("a".to_owned(), i64::MIN)]), BTreeMap::new()],
        realm_access: Some(Access { roles: vec!["a".to_owned(), "b".to_owned()] }),
        plan: Some(Plan::Team { seats: 3 }),
    };
    assert_eq!(token(payload).claims::<Claims>(), Ok(expected));
}

#[test]
fn enumerations_are_names_or_objects_of_one_member() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Of {
        plan: Plan,
    }
    let plan = |json: &str| token(&format!(r#"{{"plan":{json}}}"#)).claims::<Of>().map(|of| of.plan);
    assert_eq!(plan(r#""free""#), Ok(Plan::Free));
    assert_eq!(plan(r#""fr\u0065e""#), Ok(Plan::Free));
    assert_eq!(plan(r#"{"custom":"x"}"#), Ok(Plan::Custom("x".to_owned())));
    assert_eq!(plan(r#"{"range":[1,2]}"#), Ok(Plan::Range(1, 2)));
    for wrong in [
        r#""team""#,
        r#""custom""#,
        r#""range""#,
        r#""other""#,
        r#"{"custom":"x","free":null}"#,
        r#"{"range":[1,2,3]}"#,
        r#"{"range":[1]}"#,
        "{}",
        "[]",
        "7",
        "null",
        "true",
    ] {
        let error = plan(wrong).unwrap_err();
        assert_eq!(error.code(), "invalid_claim", "{wrong}");
        assert!(error.member().starts_with("plan"), "{wrong}: {error}");
    }
}

#[test]
fn tags_inside_and_flattened_members_work_too() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Actor {
        User { id: u64 },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Of {
        act: Actor,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    let claims = token(r#"{"act":{"id":9007199254740993,"kind":"User"},"n":1.5,"s":["x",null,true,false]}"#);
    let claims = claims.claims::<Of>().unwrap();
    assert_eq!(claims.act, Actor::User { id: 9_007_199_254_740_993 });
    assert_eq!(serde_json::to_string(&claims.rest).unwrap(), r#"{"n":1.5,"s":["x",null,true,false]}"#);
}

#[test]
fn strings_are_borrowed_where_they_can_be() {
    #[derive(Deserialize)]
    struct Borrowed<'t> {
        sub: &'t str,
    }
    let plain = token(r#"{"sub":"user"}"#);
    let sub = plain.claims::<Borrowed>().unwrap().sub;
    assert!(plain.payload().as_bytes().as_ptr_range().contains(&sub.as_ptr()));
    let escaped = token(r#"{"sub":"\u0075ser"}"#);
    assert_eq!(escaped.claims::<Borrowed>().err().unwrap().member(), "sub");
}

#[test]
fn what_does_not_fit_is_named() {
    let base = r#""sub":"u","id":1"#;
    for (payload, code, member, message) in [
        ("{}".to_owned(), "missing_claim", "sub", "the claim sub is missing"),
        (r#"{"sub":"u"}"#.to_owned(), "missing_claim", "id", "the claim id is missing"),
        (
            r#"{"sub":"u","id":"1"}"#.to_owned(),
            "invalid_claim",
            "id",
            r#"the claim id does not fit: invalid type: string "1", expected u64"#,
        ),
        (
            r#"{"sub":"u","id":-1}"#.to_owned(),
            "invalid_claim",
            "id",
            "the claim id does not fit: invalid value: integer `-1`, expected u64",
        ),
        (
            r#"{"sub":"u","id":1e3}"#.to_owned(),
            "invalid_claim",
            "id",
            "the claim id does not fit: invalid type: floating point `1000.0`, expected u64",
        ),
        (
            r#"{"sub":"u","id":18446744073709551616}"#.to_owned(),
            "invalid_claim",
            "id",
            "the claim id does not fit: invalid type: floating point `18446744073709552000.0`, expected u64",
        ),
        (format!(r#"{{{base},"realm_access":{{}}}}"#), "missing_claim", "realm_access.roles", ""),
        (format!(r#"{{{base},"realm_access":{{"roles":["a",7]}}}}"#), "invalid_claim", "realm_access.roles[1]", ""),
        (format!(r#"{{{base},"realm_access":{{"roles":"a"}}}}"#), "invalid_claim", "realm_access.roles", ""),
        (format!(r#"{{{base},"groups":[{{}},{{"a b":null}}]}}"#), "invalid_claim", r#"groups[1]["a b"]"#, ""),
        (
            format!(r#"{{{base},"https://app.example/plan":{{"team":{{}}}}}}"#),
            "missing_claim",
            r#"["https://app.example/plan"].team.seats"#,
            r#"the claim ["https://app.example/plan"].team.seats is missing"#,
        ),
    ] {
        let error = refused::<Claims>(&payload);
        assert_eq!((error.code(), error.member()), (code, member), "{payload}: {error}");
        assert!(message.is_empty() || error.to_string() == message, "{error}");
    }
}

#[test]
fn unknown_members_are_named_where_the_type_forbids_them() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(alias = "user")]
        sub: String,
    }
    let error = refused::<Strict>(r#"{"sub":"u","admin":true}"#);
    assert_eq!(error.member(), "admin");
    assert!(error.to_string().starts_with("the claim admin does not fit: it is unknown; expected are sub"), "{error}");
    assert_eq!(refused::<Strict>(r#"{"sub":"u","user":"v"}"#).member(), "sub");
    assert_eq!(token(r#"{"sub":"u"}"#).claims::<Strict>().unwrap().sub, "u");
}

#[test]
fn messages_stay_on_one_line_and_short() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "is never made")]
    struct Of {
        plan: Plan,
    }
    let long = "x".repeat(5000);
    for value in [r"a\nb\u202e", &long] {
        let shown = refused::<Of>(&format!(r#"{{"plan":"{value}"}}"#)).to_string();
        assert!(shown.len() < 300 && !shown.contains(['\n', '\u{202e}']), "{shown}");
        let shown = refused::<BTreeMap<String, u8>>(&format!(r#"{{"{value}":"x"}}"#)).to_string();
        assert!(shown.len() < 700 && !shown.contains(['\n', '\u{202e}']), "{shown}");
    }
}

#[test]
fn the_whole_may_be_of_another_type() {
    assert_eq!(refused::<Vec<u8>>("{}").member(), "");
    assert_eq!(refused::<u8>(r#"{"a":1}"#).to_string(), "the claims do not fit: invalid type: map, expected u8");
    assert!(token(r#"{"a":1}"#).claims::<()>().is_err());
    assert_eq!(token(r#"{"a":[1,{"b":2}]}"#).claims::<serde::de::IgnoredAny>(), Ok(serde::de::IgnoredAny));
    assert_eq!(token("{}").claims::<Option<BTreeMap<String, u8>>>(), Ok(Some(BTreeMap::new())));
}

#[test]
fn integers_of_128_bits_are_exact() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wide {
        u: u128,
        i: i128,
    }
    let (u, i) = (u128::MAX, i128::MIN);
    assert_eq!(token(&format!(r#"{{"u":{u},"i":{i}}}"#)).claims::<Wide>(), Ok(Wide { u, i }));
    assert_eq!(refused::<Wide>(r#"{"u":-1,"i":0}"#).member(), "u");
    assert_eq!(refused::<Wide>(r#"{"u":1,"i":"0"}"#).member(), "i");
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e15..1e15).prop_map(Into::into),
        ".{0,12}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// `serde_json` writes, and what it has written is read.
    #[test]
    fn any_claims_come_out_as_they_were(value in json(), pretty in any::<bool>()) {
        let claims = serde_json::json!({ "x": value });
        let text = if pretty { serde_json::to_string_pretty(&claims).unwrap() } else { claims.to_string() };
        let genuine = token(&text);
        prop_assert_eq!(genuine.claims::<serde_json::Value>().unwrap(), claims);
        // Whatever it is, one of the two answers is given.
        let _ = genuine.claims::<Claims>();
        let _ = genuine.claims::<BTreeMap<String, Vec<Plan>>>();
    }
}
