//! The JavaScript binding: the only file that knows JavaScript. The npm package (`js/`) wraps what is exported here and
//! turns the plain error objects into `TokenError` and `ConfigError`.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use once_cell::race::OnceBox;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::claims::TokenTimes;
use crate::error::ml_dsa_hint;
use crate::json;
use crate::policy::{ClockMarks, Policy, Reason};
use crate::profile::{Expected, Profile};
use crate::text::Piece::{Count, Shown, Text};
use crate::text::filled;
use crate::{Accept, Algorithm, ConfigError, Error, JwkSet, Object, Token, UnixTime, Value, Verifier, VerifierSet};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Nothing panics. Were it otherwise, the instance would be given up, and JavaScript would say so.
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// One verifier or several, addressed by their place in the options. Nothing here takes `&mut self`: a call that
/// JavaScript's stack was too small for would leave it borrowed for ever. New keys make a new one.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core {
    verifiers: VerifierSet,
}

#[wasm_bindgen]
impl Core {
    /// From JSON text: an array of options, whose names and types the caller has checked. `jwks` and the values of
    /// `claims` are JSON text themselves, or, of the latter, arrays of texts of which one must fit.
    ///
    /// # Errors
    ///
    /// The facts of a [`ConfigError`], in the form of `to_js`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str) -> Result<Core, JsValue> {
        json::parse(options)
            .map_err(|error| ConfigError::InvalidOption { option: "options", problem: error.problem.to_string() })
            .and_then(|options| build_all(&options))
            .map(|verifiers| Self { verifiers })
            .map_err(|error| config_error(&error))
    }

    /// The place of the verifier whose issuer the token names.
    ///
    /// # Errors
    ///
    /// The facts of an [`Error`], in the form of `to_js`.
    pub fn choose(&self, token: &JsString) -> Result<usize, JsValue> {
        let limit = self.verifiers.verifiers().iter().map(Verifier::max_token_bytes).max().unwrap_or_default();
        let token = copy_token(token, limit)?;
        self.verifiers.choose(&token).map(|(index, _)| index).map_err(|error| token_error(&error))
    }

    /// Whether a token is genuine, whatever its times: [`Core::check_times`] or [`Core::decide`] judges these. The answer is
    /// JSON text: an array of the header, the payload (the very bytes that were signed) and the place of the key.
    ///
    /// # Errors
    ///
    /// The facts of an [`Error`], in the form of `to_js`.
    pub fn genuine(&self, index: usize, token: &JsString) -> Result<String, JsValue> {
        let verifier = self.get(index)?;
        let token = copy_token(token, verifier.max_token_bytes())?;
        verifier.check_genuine(&token).map(|(token, _)| answer(&token)).map_err(|error| token_error(&error))
    }

    /// Judges the times of a genuine token as of `now`, in Unix seconds. Absent times are `NaN`.
    ///
    /// # Errors
    ///
    /// The facts of an [`Error`], in the form of `to_js`.
    #[wasm_bindgen(js_name = checkTimes)]
    pub fn check_times(&self, index: usize, exp: f64, nbf: f64, iat: f64, now: f64) -> Result<(), JsValue> {
        self.get(index)?.check_times(token_times(exp, nbf, iat), time(now)?).map_err(|error| token_error(&error))
    }

    /// Checks what one call expects of a genuine token, from JSON text: an array of its `alg`, those of its claims that this is
    /// about, and an object with any of `nonce`, `accessToken` and `maxAge` (in seconds).
    ///
    /// # Errors
    ///
    /// The facts of an [`Error`], in the form of `to_js`.
    #[wasm_bindgen(js_name = checkExpected)]
    pub fn check_expected(&self, index: usize, call: &str, now: f64) -> Result<(), JsValue> {
        let call = json::parse(call).ok();
        let Some([Value::String(alg), Value::Object(claims), Value::Object(given)]) =
            call.as_ref().and_then(Value::as_array)
        else {
            return Err(no_such_verifier());
        };
        let text = |name| given.get(name).and_then(Value::as_str);
        let expected = Expected::of(text("nonce"), text("accessToken"), given.get("maxAge").and_then(Value::as_f64));
        let algorithm = Algorithm::from_name(alg).ok_or_else(no_such_verifier)?;
        self.get(index)?.check_expected(algorithm, claims, time(now)?, &expected).map_err(|error| token_error(&error))
    }

    /// From when until when [`Core::check_times`] lets the times of a genuine token pass. What is absent is `NaN`, and so
    /// is an end that never comes.
    ///
    /// # Errors
    ///
    /// None that can be met: `index` comes from this module.
    pub fn validity(&self, index: usize, exp: f64, nbf: f64, iat: f64) -> Result<Vec<f64>, JsValue> {
        let validity = self.get(index)?.validity(token_times(exp, nbf, iat));
        Ok(validity.map(seconds).into())
    }

    /// Decides on a genuine token: the place of the reason in the list of `js/policy.ts`, and the first moment at which the
    /// answer is another one, or `NaN`. What is absent is `NaN`.
    ///
    /// # Errors
    ///
    /// None that can be met: the caller checked the numbers.
    #[expect(clippy::too_many_arguments, reason = "numbers cross the boundary as they are, without an array")]
    pub fn decide(
        &self,
        index: usize,
        exp: f64,
        nbf: f64,
        iat: f64,
        now: f64,
        highest: f64,
        last_check_in: f64,
        rolled_back: bool,
        grace: f64,
        check_in: f64,
        rollback_tolerance: f64,
    ) -> Result<Vec<f64>, JsValue> {
        let marks = ClockMarks {
            highest: UnixTime::from_secs_f64(highest),
            last_check_in: UnixTime::from_secs_f64(last_check_in),
            rolled_back,
        };
        let policy = Policy::of_checked(grace, present(check_in), rollback_tolerance);
        let decision = self.get(index)?.decide(token_times(exp, nbf, iat), time(now)?, &marks, &policy);
        Ok(vec![place_of(decision.reason), seconds(decision.until)])
    }

    /// What is public knowledge about each key of a verifier.
    ///
    /// # Errors
    ///
    /// None that can be met: `index` comes from this module.
    pub fn keys(&self, index: usize) -> Result<JsValue, JsValue> {
        let verifier = self.get(index)?;
        let keys = verifier.keys().iter().enumerate().map(|(index, key)| {
            object(vec![
                ("index", Some(number(index))),
                ("kid", key.kid().map(Value::from)),
                ("kty", Some(Value::from(key.kty()))),
                ("crv", key.crv().map(Value::from)),
                ("alg", key.alg().map(Value::from)),
                ("use", key.usage().map(Value::from)),
                ("unusable", verifier.why_unusable(key).map(|reason| Value::String(reason.into()))),
                ("secret", key.secret().map(Value::from)),
            ])
        });
        Ok(to_js(&Value::Array(keys.collect())))
    }

    /// Has RSA verified with another module, where that can be had. The first call decides.
    #[wasm_bindgen(js_name = useRelaxed)]
    pub fn use_relaxed(relaxed: Relaxed) {
        RELAXED.set(Box::new(relaxed)).unwrap_or_default();
    }

    fn get(&self, index: usize) -> Result<&Verifier, JsValue> {
        self.verifiers.verifiers().get(index).ok_or_else(no_such_verifier)
    }
}

fn answer(token: &Token) -> String {
    filled("[{},{},{}]", &[Text(token.header()), Text(token.payload()), Count(token.key_index())])
}

fn token_times(exp: f64, nbf: f64, iat: f64) -> TokenTimes {
    TokenTimes { exp: present(exp), nbf: present(nbf), iat: present(iat) }
}

fn present(seconds: f64) -> Option<f64> {
    Some(seconds).filter(|seconds| !seconds.is_nan())
}

fn seconds(moment: Option<UnixTime>) -> f64 {
    moment.map_or(f64::NAN, UnixTime::as_secs_f64)
}

/// Its place in the list of `js/policy.ts`.
fn place_of(reason: Reason) -> f64 {
    match reason {
        Reason::Valid => 0.0,
        Reason::Grace => 1.0,
        Reason::Expired => 2.0,
        Reason::CheckInRequired => 3.0,
        Reason::ClockRolledBack => 4.0,
        Reason::NotYetValid => 5.0,
    }
}

/// The length is looked at before anything is copied. `String::from` would go through the token character by character in
/// JavaScript, which takes as long as hashing it.
fn copy_token(token: &JsString, max: usize) -> Result<String, JsValue> {
    let units = usize::try_from(token.length()).unwrap_or(usize::MAX);
    if units > max {
        return Err(token_error(&Error::TooLarge { bytes: units, max }));
    }
    let mut bytes = vec![0; units];
    let encoder = ENCODER.get_or_init(|| Box::new(TextEncoder::new()));
    let read = encoder.encode_into(token, &mut bytes).read();
    // What is not ASCII does not fit; it is no token, but the error is to say why.
    match String::from_utf8(bytes) {
        Ok(text) if usize::try_from(read) == Ok(units) => Ok(text),
        _ => Ok(token.as_string().unwrap_or_default()),
    }
}

#[wasm_bindgen]
extern "C" {
    /// A string that is not copied yet.
    #[wasm_bindgen(js_name = String, typescript_type = "string")]
    pub type JsString;

    /// In UTF-16 units.
    #[wasm_bindgen(method, getter)]
    fn length(this: &JsString) -> u32;

    type TextEncoder;

    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;

    #[wasm_bindgen(method, js_name = encodeInto)]
    fn encode_into(this: &TextEncoder, text: &JsString, place: &mut [u8]) -> Encoded;

    type Encoded;

    /// How many UTF-16 units there was room for.
    #[wasm_bindgen(method, getter)]
    fn read(this: &Encoded) -> u32;
}

static ENCODER: OnceBox<TextEncoder> = OnceBox::new();

#[cfg(not(feature = "wasm-reference"))]
#[wasm_bindgen]
extern "C" {
    /// A JSON number, read by JavaScript.
    #[wasm_bindgen(js_name = parseFloat)]
    pub(crate) fn read_number(text: &str) -> f64;
}

/// A JSON number, read by JavaScript.
#[cfg(feature = "wasm-reference")]
pub(crate) fn read_number(text: &str) -> f64 {
    js_sys::Number::parse_float(text)
}

#[wasm_bindgen]
extern "C" {
    /// `Relaxed` of `js/relaxed.ts`: a faster RSA kernel, in a module for engines that fuse multiply-adds.
    #[derive(Debug)]
    pub type Relaxed;

    #[wasm_bindgen(method)]
    fn power(this: &Relaxed, numbers: &mut [u64], limbs: usize, words: usize, squarings: u32) -> bool;
}

static RELAXED: OnceBox<Relaxed> = OnceBox::new();

/// The last words become a power of those before them, if the other module can be had: see `power` in `relaxed/src/lib.rs`.
#[cfg(all(target_arch = "wasm32", not(feature = "reference")))]
pub(crate) fn fused_power(numbers: &mut [u64], limbs: usize, words: usize, squarings: u32) -> bool {
    RELAXED.get().is_some_and(|relaxed| relaxed.power(numbers, limbs, words, squarings))
}

fn time(now: f64) -> Result<UnixTime, JsValue> {
    UnixTime::from_secs_f64(now).ok_or_else(|| {
        let problem = "should give a finite number of Unix seconds".to_string();
        config_error(&ConfigError::InvalidOption { option: "now", problem })
    })
}

fn build_all(options: &Value<'_>) -> Result<VerifierSet, ConfigError> {
    let mut verifiers = Vec::new();
    for options in options.as_array().unwrap_or_default().iter().filter_map(Value::as_object) {
        verifiers.push(build(options)?);
    }
    VerifierSet::new(verifiers)
}

fn build(options: &Object<'_>) -> Result<Verifier, ConfigError> {
    let jwks = options.get("jwks").and_then(Value::as_str).unwrap_or_default();
    let published = options.get("published") == Some(&Value::Bool(true));
    let keys = JwkSet::read(jwks, published)?;
    let mut builder = Verifier::builder(keys, accept(options, "issuer"), accept(options, "audience"));
    let number = |name| options.get(name).and_then(Value::as_f64);
    let text = |name| options.get(name).and_then(Value::as_str);
    let is_set = |name| options.get(name) == Some(&Value::Bool(true));
    let settings = &mut builder.settings;
    if let Some(names) = options.get("algorithms") {
        settings.algorithms = strings(names).map(algorithm).collect::<Result<Vec<_>, _>>()?;
    }
    if options.get("typ").is_some() {
        settings.typ = accept(options, "typ");
    }
    if let Some(bytes) = number("maxTokenBytes") {
        settings.max_token_bytes = whole(bytes);
    }
    settings.key_rules.algorithm_required = is_set("requireKeyAlgorithm");
    settings.key_rules.any_rsa_exponent = is_set("anyRsaExponent");
    let rules = &mut settings.rules;
    if let Some(seconds) = number("clockTolerance") {
        rules.clock_tolerance = seconds;
    }
    rules.max_token_age = number("maxTokenAge");
    rules.subject = text("subject").map(ToString::to_string);
    rules.required = options.get("requiredClaims").into_iter().flat_map(strings).map(ToString::to_string).collect();
    rules.require_exp = options.get("requireExp") != Some(&Value::Bool(false));
    if let Some(name) = text("profile") {
        let unknown = || ConfigError::InvalidOption { option: "profile", problem: "is unknown".to_string() };
        rules.profile = Some(Profile::from_name(name).ok_or_else(unknown)?);
    }
    for (claim, expected) in options.get("claims").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
        builder.expect(claim, &mut strings(expected), expected.as_array().is_some());
    }
    if let Some(template) = text("tenants") {
        builder.set_tenants(template);
    }
    builder.build()
}

/// `null` is the explicit way to accept anything; leaving the option out was refused before.
fn accept(options: &Object<'_>, name: &str) -> Accept {
    match options.get(name) {
        Some(Value::Null) => Accept::Any,
        value => Accept::OneOf(value.into_iter().flat_map(strings).map(ToString::to_string).collect()),
    }
}

/// One string or an array of them.
fn strings<'v>(value: &'v Value<'_>) -> impl Iterator<Item = &'v str> {
    value.as_array().unwrap_or(core::slice::from_ref(value)).iter().filter_map(Value::as_str)
}

fn algorithm(name: &str) -> Result<Algorithm, ConfigError> {
    Algorithm::from_name(name).ok_or_else(|| ConfigError::InvalidOption {
        option: "algorithms",
        problem: filled(
            "holds {}, which is not supported: only asymmetric signatures are, named exactly{}",
            &[Shown(name), Text(ml_dsa_hint(name))],
        ),
    })
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(number: f64) -> usize {
    number as usize
}

fn no_such_verifier() -> JsValue {
    config_error(&ConfigError::InvalidOption { option: "index", problem: "names no verifier".to_string() })
}

fn token_error(error: &Error) -> JsValue {
    let facts = error.facts();
    to_js(&object(vec![
        ("kind", Some(Value::from("token"))),
        ("code", Some(Value::from(facts.code))),
        ("message", Some(Value::from(facts.message.as_str()))),
        ("claim", facts.claim.map(Value::from)),
        ("expected", facts.expected),
        ("actual", facts.actual),
    ]))
}

fn config_error(error: &ConfigError) -> JsValue {
    to_js(&object(vec![
        ("kind", Some(Value::from("config"))),
        ("code", Some(Value::from(error.code()))),
        ("message", Some(Value::from(error.message().as_str()))),
        ("option", Some(Value::from(error.option()))),
    ]))
}

fn object(members: Vec<(&str, Option<Value<'static>>)>) -> Value<'static> {
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
    Value::Object(present.collect())
}

fn number(index: usize) -> Value<'static> {
    Value::Number(u32::try_from(index).unwrap_or(u32::MAX).into())
}

#[cfg(not(feature = "wasm-reference"))]
#[wasm_bindgen]
extern "C" {
    /// The shortest text that is read as the same number.
    #[wasm_bindgen(js_name = String)]
    fn number_text(number: f64) -> String;
}

/// As JSON text.
#[cfg(not(feature = "wasm-reference"))]
fn to_js(value: &Value<'_>) -> JsValue {
    let mut text = String::new();
    value.write(&mut text, |text, number| {
        // JSON has no word for what is beyond the range of doubles.
        let digits = match number {
            f64::INFINITY => "1e999".to_string(),
            f64::NEG_INFINITY => "-1e999".to_string(),
            number => number_text(number),
        };
        text.push_str(&digits);
    });
    JsValue::from_str(&text)
}

/// With the reference engine, whose module need not be small, `serde-wasm-bindgen` makes what JavaScript gets: objects as
/// `Map`s, since a member named `__proto__` set on a plain object would be its prototype.
#[cfg(feature = "wasm-reference")]
fn to_js(value: &Value<'_>) -> JsValue {
    outgoing::to_js(value)
}

#[cfg(feature = "wasm-reference")]
mod outgoing {
    use serde::ser::{Serialize, SerializeMap, Serializer};
    use wasm_bindgen::prelude::JsValue;

    use crate::json::Value;

    pub(super) fn to_js(value: &Value<'_>) -> JsValue {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
        Outgoing(value).serialize(&serializer).unwrap_or(JsValue::UNDEFINED)
    }

    struct Outgoing<'v>(&'v Value<'v>);

    impl Serialize for Outgoing<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Null => serializer.serialize_unit(),
                Value::Bool(value) => serializer.serialize_bool(*value),
                Value::Number(number) => serializer.serialize_f64(*number),
                Value::String(text) => serializer.serialize_str(text),
                Value::Array(elements) => serializer.collect_seq(elements.iter().map(Outgoing)),
                Value::Object(object) => {
                    let mut map = serializer.serialize_map(Some(object.len()))?;
                    for (name, value) in object.iter() {
                        map.serialize_entry(name, &Outgoing(value))?;
                    }
                    map.end()
                }
            }
        }
    }
}
