//! The offline decision: access never grows while time passes, is never more than online, and `until` is exact.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use proptest::prelude::*;
use serde_json::json;
use signing::Signer;
use tokenward::{Access, ClockMarks, Decision, JwkSet, Policy, Reason, UnixTime, Verifier};

const T: f64 = 1_760_000_000.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// A token of 15 minutes, issued at `T`, and what is decided on it at other times.
#[derive(Debug)]
struct Life {
    verifier: Verifier,
    token: String,
    policy: Policy,
    issued: Option<f64>,
}

impl Life {
    fn new(claims: &serde_json::Value, policy: Policy) -> Self {
        Self::with(claims, policy, 5.0, None)
    }

    fn with(claims: &serde_json::Value, policy: Policy, tolerance: f64, max_age: Option<f64>) -> Self {
        let signer = Signer::eddsa();
        let keys = JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap();
        let mut builder = Verifier::builder(keys, "https://login.example", "app").clock_tolerance(tolerance);
        builder = builder.require_exp(false);
        if let Some(seconds) = max_age {
            builder = builder.max_token_age(seconds);
        }
        let mut payload = json!({ "iss": "https://login.example", "aud": "app" });
        payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let token = signer.sign(json!({ "alg": signer.alg }).to_string(), payload.to_string());
        Self { verifier: builder.build().unwrap(), token, policy, issued: claims["iat"].as_f64() }
    }

    fn at(&self, now: f64, marks: &ClockMarks) -> Decision {
        self.verifier.assess(&self.token, time(now), marks, &self.policy).unwrap().1
    }

    fn online(&self, now: f64) -> bool {
        self.verifier.verify(&self.token, time(now)).is_ok()
    }
}

fn time(seconds: f64) -> UnixTime {
    UnixTime::from_secs_f64(seconds).unwrap()
}

fn checked_in(at: f64) -> ClockMarks {
    ClockMarks { last_check_in: Some(time(at)), ..ClockMarks::default() }
}

#[test]
fn a_token_of_fifteen_minutes_lives_as_the_defaults_say() {
    let life = Life::new(&json!({ "iat": T, "exp": T + 900.0 }), Policy::default());
    let table = [
        (0.0, Access::Full, Reason::Valid, Some(905.0)),
        (904.9, Access::Full, Reason::Valid, Some(905.0)),
        (905.0, Access::Limited, Reason::Grace, Some(900.0 + DAY)),
        (899.0 + DAY, Access::Limited, Reason::Grace, Some(900.0 + DAY)),
        (900.0 + DAY, Access::None, Reason::Expired, None),
        (8.0 * DAY, Access::None, Reason::Expired, None),
        (-60.0, Access::Full, Reason::Valid, Some(905.0)),
        (-60.1, Access::None, Reason::ClockRolledBack, None),
    ];
    for (after, access, reason, until) in table {
        let expected = Decision { access, reason, until: until.map(|until| time(T + until)) };
        assert_eq!(life.at(T + after, &checked_in(T)), expected, "{after}");
    }
}

#[test]
fn a_token_of_thirty_days_needs_a_check_in_every_seven() {
    let life = Life::new(&json!({ "iat": T, "exp": T + 30.0 * DAY }), Policy::default());
    let due = T + 7.0 * DAY;
    let full = Decision { access: Access::Full, reason: Reason::Valid, until: Some(time(due)) };
    let none = Decision { access: Access::None, reason: Reason::CheckInRequired, until: None };
    assert_eq!(life.at(due - 1.0, &checked_in(T)), full);
    assert_eq!(life.at(due, &checked_in(T)), none);
    // The signed iat proves a check-in as well as a mark does; a later mark proves more.
    assert_eq!(life.at(due, &ClockMarks::default()), none);
    assert_eq!(life.at(due, &checked_in(T + 1.0)).access, Access::Full);
    // It can be turned off, explicitly.
    let without = Life { policy: Policy::new(DAY, None, 60.0).unwrap(), ..life };
    assert_eq!(without.at(due, &ClockMarks::default()).access, Access::Full);
}

#[test]
fn without_any_evidence_of_a_check_in_one_is_required() {
    let life = Life::new(&json!({ "exp": T + 900.0 }), Policy::default());
    assert_eq!(life.at(T, &ClockMarks::default()).reason, Reason::CheckInRequired);
    assert_eq!(life.at(T, &checked_in(T)).reason, Reason::Valid);
}

#[test]
fn a_clock_behind_any_mark_is_not_believed() {
    let life = Life::new(&json!({ "iat": T, "exp": T + 900.0 }), Policy::default());
    let later = time(T + 500.0);
    for marks in [
        ClockMarks { highest: Some(later), ..ClockMarks::default() },
        ClockMarks { last_check_in: Some(later), ..ClockMarks::default() },
    ] {
        assert_eq!(life.at(T + 440.0, &marks).reason, Reason::Valid);
        assert_eq!(life.at(T + 439.9, &marks).reason, Reason::ClockRolledBack);
    }
    let latched = ClockMarks { rolled_back: true, ..checked_in(T) };
    assert_eq!(life.at(T + 600.0, &latched).reason, Reason::ClockRolledBack);
}

#[test]
fn what_is_not_genuine_gets_no_decision() {
    let life = Life::new(&json!({ "iat": T, "exp": T + 900.0 }), Policy::default());
    let forged = format!("{}A", &life.token[..life.token.len() - 1]);
    let forged = if forged == life.token { format!("{}B", &life.token[..life.token.len() - 1]) } else { forged };
    let refused = life.verifier.assess(&forged, time(T), &ClockMarks::default(), &life.policy);
    assert!(matches!(refused.unwrap_err().code(), "bad_signature" | "malformed"));
    let foreign = Life::new(&json!({ "iss": "https://other.example", "exp": T + 900.0 }), Policy::default());
    let refused = foreign.verifier.assess(&foreign.token, time(T), &ClockMarks::default(), &foreign.policy);
    assert_eq!(refused.unwrap_err().code(), "claim_mismatch");
}

#[test]
fn impossible_durations_are_refused() {
    for (grace, check_in, rollback, option) in [
        (-1.0, None, 0.0, "grace"),
        (f64::INFINITY, None, 0.0, "grace"),
        (0.0, Some(-1.0), 0.0, "check_in"),
        (0.0, Some(f64::NAN), 0.0, "check_in"),
        (0.0, None, f64::NAN, "rollback_tolerance"),
    ] {
        assert_eq!(Policy::new(grace, check_in, rollback).unwrap_err().option(), option);
    }
}

/// However late `exp` is, the answer changes where `until` says, and never is more than online.
#[test]
fn times_of_any_size_are_times() {
    let all = [9_007_199_254_740_994.0, 9_223_372_036_854_775.0, 1e22, 1e300, f64::MAX];
    for at in all {
        let life = Life::new(&json!({ "iat": T, "exp": at }), Policy::new(DAY, None, 60.0).unwrap());
        let decision = life.at(T, &ClockMarks::default());
        assert_eq!(decision.reason, Reason::Valid, "{at}");
        let until = decision.until.unwrap().as_secs_f64();
        assert_eq!(life.at(until.next_down(), &ClockMarks::default()).access, Access::Full, "{at}");
        assert_ne!(life.at(until, &ClockMarks::default()).access, Access::Full, "{at}");
        assert!(life.online(until.next_down()) && !life.online(until), "{at}");
        for later in [Life::new(&json!({ "nbf": at }), life.policy), Life::new(&json!({ "iat": at }), life.policy)] {
            assert_eq!(later.at(T, &ClockMarks::default()).access, Access::None, "{at}");
        }
    }
}

/// Whole seconds and fractions, near and far.
fn duration() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (0..3000_u32).prop_map(f64::from),
        (0..3000_u32).prop_map(|n| f64::from(n) * HOUR),
        0.0..10.0 * DAY
    ]
}

fn moment() -> impl Strategy<Value = f64> {
    (duration(), any::<bool>()).prop_map(|(apart, before)| if before { T - apart } else { T + apart })
}

fn any_life() -> impl Strategy<Value = (Life, ClockMarks)> {
    let claims = (prop::option::of(moment()), prop::option::of(moment()), prop::option::of(moment()));
    let policy = (duration(), prop::option::of(duration()), duration());
    let options = (prop_oneof![Just(0.0), Just(5.0), duration()], prop::option::of(duration()));
    let marks = (prop::option::of(moment()), prop::option::of(moment()));
    (claims, policy, options, marks).prop_map(
        |((exp, nbf, iat), (grace, check_in, rollback), (tolerance, max_age), (highest, last))| {
            let mut claims = serde_json::Map::new();
            for (name, at) in [("exp", exp), ("nbf", nbf), ("iat", iat)] {
                if let Some(at) = at {
                    claims.insert(name.to_owned(), json!(at));
                }
            }
            let max_age = max_age.filter(|_| iat.is_some());
            let policy = Policy::new(grace, check_in, rollback).unwrap();
            let marks = ClockMarks { highest: highest.map(time), last_check_in: last.map(time), rolled_back: false };
            (Life::with(&claims.into(), policy, tolerance, max_age), marks)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever asks again, with no check-in between and what was seen of time remembered, gets no more: whichever way
    /// the clock is moved.
    #[test]
    fn access_never_grows(
        (life, mut marks) in any_life(),
        moments in prop::collection::vec(moment(), 2..10),
        passing in any::<bool>(),
    ) {
        let mut moments = moments;
        if passing {
            moments.sort_by(f64::total_cmp);
        }
        let mut before = Access::Full;
        for now in moments {
            let decision = life.at(now, &marks);
            // A token that is not valid yet is the one case in which waiting helps.
            if decision.reason != Reason::NotYetValid {
                prop_assert!(decision.access <= before);
                before = decision.access;
            }
            marks.rolled_back |= decision.reason == Reason::ClockRolledBack;
            marks.highest = Some(marks.highest.filter(|highest| *highest > time(now)).unwrap_or(time(now)));
        }
    }

    /// Full access offline means that the verifier says yes online at the greatest time that is known.
    #[test]
    fn offline_is_never_more_than_online((life, marks) in any_life(), now in moment()) {
        let known = [marks.highest, marks.last_check_in, life.issued.map(time)].into_iter().flatten();
        let known = known.map(UnixTime::as_secs_f64).fold(now, f64::max);
        let decision = life.at(now, &marks);
        if decision.access == Access::Full {
            prop_assert!(life.online(known));
        }
    }

    /// The same answer up to `until`, another one from there on; without `until` it stays for ever.
    #[test]
    fn until_is_exact((life, marks) in any_life(), now in moment(), later in duration(), part in 0.0..1.0) {
        let decision = life.at(now, &marks);
        match decision.until.map(UnixTime::as_secs_f64) {
            Some(until) => {
                prop_assert!(until > now);
                prop_assert_eq!(life.at(now + part * (until - now) * 0.999_999, &marks), decision);
                prop_assert_eq!(life.at(until.next_down(), &marks), decision);
                prop_assert_ne!(life.at(until, &marks), decision);
            }
            None if decision.reason == Reason::ClockRolledBack => {
                let latched = ClockMarks { rolled_back: true, ..marks };
                prop_assert_eq!(life.at(now + later, &latched), decision);
            }
            None => prop_assert_eq!(life.at(now + later, &marks), decision),
        }
    }
}
