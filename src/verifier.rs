//! Ties the steps together: size, form, algorithm, extensions, type, key, signature, claims, in this order.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Accept, ClaimRules, Expectation, TokenTimes, UnixTime};
use crate::error::{ConfigError, Error, by_language};
use crate::json::{self, Object, Value};
use crate::jwk::{Jwk, KeyRules};
use crate::jws::{JoseHeader, Jws};
use crate::policy::{ClockMarks, Decision, Policy};
use crate::profile::{Expected, Profile};
use crate::tenant::Tenants;
use crate::text::Piece::{Shown, Text};
use crate::text::filled;
use crate::{Algorithm, JwkSet, Seconds};

/// In bytes. RFC 7519 sets none; HTTP servers commonly take headers of 8 to 16 KiB.
const DEFAULT_MAX_TOKEN_BYTES: usize = 16 * 1024;
const GREATEST_MAX_TOKEN_BYTES: usize = 1 << 20;

/// Verifies the tokens of one relying party: made once, used for many tokens. A clone shares keys and options with it.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: JwkSet,
    settings: Arc<Settings>,
}

/// Everything but the keys, which alone are ever replaced.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) key_rules: KeyRules,
    pub(crate) typ: Accept,
    pub(crate) max_token_bytes: usize,
    pub(crate) rules: ClaimRules,
}

/// A token that was verified: its signature held and its claims were what the verifier asked for.
#[derive(Clone, Debug)]
pub struct Token {
    header: String,
    payload: String,
    kid: Option<String>,
    key_index: usize,
    algorithm: Algorithm,
}

impl Token {
    /// The claims set as the JSON text that was signed: strictly checked, so any JSON library reads it alike.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The JOSE header as JSON text.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The header's `kid` (RFC 7515 section 4.1.4). `None` if the token names no key; [`Token::key_index`] says which one
    /// made the signature.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The JWT Claims Set (RFC 7519 section 2) as a JSON object, read anew from the payload on each call. Typed claims come
    /// with the feature `serde`: `token.claims::<T>()`.
    #[must_use]
    pub fn claims_set(&self) -> Object<'_> {
        match json::parse(&self.payload) {
            Ok(Value::Object(claims)) => claims,
            _ => Object::default(),
        }
    }

    /// Which key made the signature: its place in [`JwkSet::keys`].
    #[must_use]
    pub fn key_index(&self) -> usize {
        self.key_index
    }
}

impl Verifier {
    /// Starts a verifier. `issuer` and `audience` must be said: values that are accepted, or [`Accept::Any`].
    pub fn builder(keys: JwkSet, issuer: impl Into<Accept>, audience: impl Into<Accept>) -> VerifierBuilder {
        VerifierBuilder {
            keys,
            settings: Settings {
                algorithms: Algorithm::all().collect(),
                key_rules: KeyRules { any_rsa_exponent: false, algorithm_required: false },
                typ: Accept::Any,
                max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
                rules: ClaimRules {
                    issuer: issuer.into(),
                    audience: audience.into(),
                    subject: None,
                    required: Vec::new(),
                    expected: Vec::new(),
                    require_exp: true,
                    clock_tolerance: 5.0,
                    max_token_age: None,
                    profile: None,
                    tenants: None,
                },
            },
            problem: None,
        }
    }

    /// Verifies a token as of `now`.
    ///
    /// # Errors
    ///
    /// The first thing that does not hold, in the order of [`Error`]'s variants up to the signature, then the claims.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Token, Error> {
        let (token, times) = self.check_genuine(token)?;
        self.check_times(times, now)?;
        Ok(token)
    }

    /// Verifies an ID token as of `now`, and what this one call expects of it: what was sent with the request, and what came
    /// with the answer.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`]; then [`Error::MissingClaim`], [`Error::ClaimMismatch`] (`nonce`, `at_hash`),
    /// [`Error::AuthenticationTooOld`], or [`Error::InvalidClaim`] for an `auth_time` that is still to come.
    pub fn verify_expecting(&self, token: &str, now: UnixTime, expected: &Expected<'_>) -> Result<Token, Error> {
        let token = self.verify(token, now)?;
        self.check_expected(token.algorithm, &token.claims_set(), now, expected)?;
        Ok(token)
    }

    /// What one call expects of a token that was verified.
    pub(crate) fn check_expected(
        &self,
        algorithm: Algorithm,
        claims: &Object<'_>,
        now: UnixTime,
        expected: &Expected<'_>,
    ) -> Result<(), Error> {
        expected.check(algorithm, claims, now, self.settings.rules.clock_tolerance)
    }

    /// Decides what the bearer of a token may do at `now` under an offline policy. The token must be genuine and say
    /// what this verifier asks for; its times are the policy's to judge, so that the answer for an expired token is
    /// never mistaken for "valid".
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`], but for [`Error::Expired`], [`Error::NotYetValid`], [`Error::IssuedInFuture`] and
    /// [`Error::TooOld`]: these are decisions here.
    pub fn assess(
        &self,
        token: &str,
        now: UnixTime,
        marks: &ClockMarks,
        policy: &Policy,
    ) -> Result<(Token, Decision), Error> {
        let (token, times) = self.check_genuine(token)?;
        Ok((token, self.decide(times, now, marks, policy)))
    }

    /// The times of a genuine token under an offline policy.
    pub(crate) fn decide(&self, times: TokenTimes, now: UnixTime, marks: &ClockMarks, policy: &Policy) -> Decision {
        policy.decide(&self.settings.rules.life_times(times), now, marks)
    }

    /// Everything but the times.
    pub(crate) fn check_genuine(&self, token: &str) -> Result<(Token, TokenTimes), Error> {
        let jws = Jws::parse(token, self.settings.max_token_bytes)?;
        let header = jws.header_object()?;
        let claims = jws.claims()?;
        let header = self.check_header(&header)?;
        let key_index = self.keys.find_signer(
            header.algorithm,
            header.kid.as_deref(),
            self.settings.key_rules,
            jws.signing_input,
            &jws.signature,
        )?;
        let times = self.settings.rules.check(&claims)?;
        self.check_key_issuer(key_index, &claims)?;
        Ok((
            Token { header: jws.header, payload: jws.payload, kid: header.kid, key_index, algorithm: header.algorithm },
            times,
        ))
    }

    /// A key of an issuer with tenants may be for one of them alone.
    fn check_key_issuer(&self, key_index: usize, claims: &Object<'_>) -> Result<(), Error> {
        let key = self.keys.keys().get(key_index);
        let (Some(tenants), Some(key)) = (&self.settings.rules.tenants, key) else {
            return Ok(());
        };
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        match key.issuer() {
            Some(named) if !tenants.is_key_for(named, issuer) => Err(Error::KeyUnusable {
                kid: key.kid().unwrap_or_default().to_string(),
                reason: "its issuer is another tenant".to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Replaces the keys. If the new set cannot serve, the old one stays.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoUsableKey`] if no key in the set can serve an allowed algorithm.
    pub fn set_keys(&mut self, keys: JwkSet) -> Result<(), ConfigError> {
        keys.require_usable(&self.settings.algorithms, self.settings.key_rules)?;
        self.keys = keys;
        Ok(())
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        self.keys.keys()
    }

    /// Why one of the keys cannot verify any token here; `None` if it can.
    #[must_use]
    pub fn why_unusable(&self, key: &Jwk) -> Option<String> {
        key.why_unusable(&self.settings.algorithms, self.settings.key_rules)
    }

    /// The greatest accepted length of a token in bytes.
    #[cfg(feature = "wasm")]
    pub(crate) fn max_token_bytes(&self) -> usize {
        self.settings.max_token_bytes
    }

    /// For a token that is genuine by the same keys: whether its times hold.
    pub(crate) fn check_times(&self, times: TokenTimes, now: UnixTime) -> Result<(), Error> {
        self.settings.rules.check_times(times, now)
    }

    /// From when until when the times of a genuine token hold.
    #[cfg(feature = "wasm")]
    pub(crate) fn validity(&self, times: TokenTimes) -> [Option<UnixTime>; 2] {
        self.settings.rules.validity(times)
    }

    fn issuers(&self) -> impl Iterator<Item = &str> + Clone {
        let named = match &self.settings.rules.issuer {
            Accept::Any => [].as_slice(),
            Accept::OneOf(values) => values.as_slice(),
        };
        named.iter().map(String::as_str)
    }

    fn check_header(&self, object: &Object<'_>) -> Result<JoseHeader, Error> {
        let header = JoseHeader::read(object)?;
        if !self.settings.algorithms.contains(&header.algorithm) {
            let allowed = self.settings.algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(Error::AlgorithmNotAllowed { alg: header.alg, allowed });
        }
        JoseHeader::refuse_extensions(object)?;
        let (holds, expected) = match (&self.settings.typ, self.settings.rules.profile) {
            (Accept::OneOf(accepted), _) => {
                let is_one = |typ: &str| accepted.iter().any(|one| same_media_type(typ, one));
                (header.typ.as_deref().is_some_and(is_one), self.settings.typ.expected())
            }
            // Where nothing is asked for, a type that says something else all the same is not overlooked.
            (Accept::Any, Some(profile)) => {
                let typ = profile.typ();
                (header.typ.as_deref().is_none_or(|actual| same_media_type(actual, typ)), Value::from(typ))
            }
            (Accept::Any, None) => return Ok(header),
        };
        if holds { Ok(header) } else { Err(Error::UnexpectedType { expected, actual: header.typ }) }
    }
}

/// Media types are compared without regard to case, and `application/` may be left out before a name that has no other
/// slash (RFC 7515 section 4.1.9).
fn same_media_type(one: &str, other: &str) -> bool {
    fn short(name: &str) -> &str {
        const PREFIX: &str = "application/";
        match name.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.bytes().any(|byte| byte == b'/') => {
                rest
            }
            _ => name,
        }
    }
    short(one).eq_ignore_ascii_case(short(other))
}

/// Options of a [`Verifier`]; see [`Verifier::builder`].
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    keys: JwkSet,
    pub(crate) settings: Settings,
    problem: Option<ConfigError>,
}

impl VerifierBuilder {
    /// Allows only these algorithms. Default: all that are supported.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.settings.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far clocks may differ, as a [`Duration`](core::time::Duration) or in seconds: added to `exp`, taken from `nbf`.
    /// Default: 5 seconds.
    pub fn clock_tolerance(mut self, tolerance: impl Into<Seconds>) -> Self {
        self.settings.rules.clock_tolerance = tolerance.into().as_f64();
        self
    }

    /// Requires the header's `typ`, such as `at+jwt` (RFC 9068), or one of several, compared as a media type.
    pub fn typ(mut self, typ: impl Into<Accept>) -> Self {
        self.settings.typ = typ.into();
        self
    }

    /// Requires `sub` to be exactly this.
    pub fn subject(mut self, subject: &str) -> Self {
        self.settings.rules.subject = Some(subject.to_string());
        self
    }

    /// Requires `iat` to be at most this long ago, as a [`Duration`](core::time::Duration) or in seconds, and not to come
    /// (give or take the clock tolerance).
    pub fn max_token_age(mut self, age: impl Into<Seconds>) -> Self {
        self.settings.rules.max_token_age = Some(age.into().as_f64());
        self
    }

    /// Requires a claim to be there, whatever its value.
    pub fn require_claim(mut self, claim: &str) -> Self {
        self.settings.rules.required.push(claim.to_string());
        self
    }

    /// Requires a claim to equal a JSON value, given as JSON text; objects are equal in any order of members.
    pub fn expect_claim(mut self, claim: &str, json: &str) -> Self {
        self.expect(claim, &mut [json].into_iter(), false);
        self
    }

    /// Requires a claim to equal one of several JSON values, each given as JSON text. At least one is needed.
    pub fn expect_claim_one_of(mut self, claim: &str, jsons: &[&str]) -> Self {
        self.expect(claim, &mut jsons.iter().copied(), true);
        self
    }

    pub(crate) fn expect(&mut self, claim: &str, jsons: &mut dyn Iterator<Item = &str>, one_of: bool) {
        let mut values = Vec::new();
        let mut problem = None;
        for json in jsons {
            match json::parse(json) {
                Ok(value) => values.push(value.into_owned()),
                Err(error) => problem = Some(error.problem),
            }
        }
        if values.is_empty() {
            problem = problem.or(Some("one of no values"));
        }
        if let Some(problem) = problem {
            let problem = filled("has for {} what no claim can equal: {}", &[Shown(claim), Text(problem)]);
            self.refuse(invalid(by_language("expect_claim", "claims"), &problem));
        }
        self.settings.rules.expected.push(Expectation { claim: claim.to_string(), values, one_of });
    }

    /// The first problem is the one that is told.
    fn refuse(&mut self, problem: ConfigError) {
        self.problem.get_or_insert(problem);
    }

    /// The greatest accepted length of a token, 1 to 1,048,576 bytes. Default: 16,384.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_token_bytes = bytes;
        self
    }

    /// Whether a token without `exp` is refused. Default: yes.
    pub fn require_exp(mut self, required: bool) -> Self {
        self.settings.rules.require_exp = required;
        self
    }

    /// Whether RSA keys may have another public exponent than 65537: any odd one from 3 to 2^32. Default: no.
    pub fn any_rsa_exponent(mut self, accepted: bool) -> Self {
        self.settings.key_rules.any_rsa_exponent = accepted;
        self
    }

    /// Whether a key must name its `alg`, so that it serves one algorithm (RFC 8725 section 3.1). Default: no.
    pub fn require_key_algorithm(mut self, required: bool) -> Self {
        self.settings.key_rules.algorithm_required = required;
        self
    }

    /// Takes only tokens of this kind, as their standard says. It has its own [`VerifierBuilder::typ`]; for an ID token
    /// another one may be asked for, and what [`VerifierBuilder::expect_claim`] says of `azp` counts in place of the rule.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.settings.rules.profile = Some(profile);
        self
    }

    /// Takes only tokens of an issuer with many tenants (Microsoft Entra): `iss` must be the template with a tenant's GUID, in
    /// lower case, in place of `{tenantid}`, and `tid` this GUID. Which tenants, the issuers that are accepted say;
    /// [`Accept::Any`] takes any tenant. A key that names another `issuer` is not used.
    pub fn tenants(mut self, template: &str) -> Self {
        self.set_tenants(template);
        self
    }

    pub(crate) fn set_tenants(&mut self, template: &str) {
        self.settings.rules.tenants = Tenants::of(template);
        if self.settings.rules.tenants.is_none() {
            self.refuse(invalid("issuer", "should have one {tenantid}"));
        }
    }

    /// Checks the options against each other and the keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] if an option has a value that cannot work, [`ConfigError::NoUsableKey`] if no key
    /// can serve any allowed algorithm.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let Self { keys, mut settings, .. } = self;
        if let Some(profile) = settings.rules.profile {
            profile.check_options(&settings.rules)?;
            match &settings.typ {
                Accept::Any if profile == Profile::AccessToken => settings.typ = profile.typ().into(),
                Accept::OneOf(types)
                    if profile == Profile::AccessToken
                        && types.iter().any(|typ| !same_media_type(typ, profile.typ())) =>
                {
                    return Err(profile.contradicted("typ"));
                }
                _ => {}
            }
        }
        let rules = &settings.rules;
        check_accept("issuer", &rules.issuer)?;
        check_accept("audience", &rules.audience)?;
        if settings.algorithms.is_empty() {
            return Err(invalid("algorithms", EMPTY));
        }
        if matches!(&settings.typ, Accept::OneOf(types) if types.is_empty()) {
            return Err(invalid("typ", EMPTY));
        }
        ClaimRules::check_seconds(by_language("clock_tolerance", "clockTolerance"), rules.clock_tolerance)?;
        if let Some(seconds) = rules.max_token_age {
            ClaimRules::check_seconds(by_language("max_token_age", "maxTokenAge"), seconds)?;
        }
        if !(1..=GREATEST_MAX_TOKEN_BYTES).contains(&settings.max_token_bytes) {
            return Err(invalid(by_language("max_token_bytes", "maxTokenBytes"), "should be from 1 to 1048576"));
        }
        keys.require_usable(&settings.algorithms, settings.key_rules)?;
        Ok(Verifier { keys, settings: Arc::new(settings) })
    }
}

const EMPTY: &str = "is empty, so no token could ever be accepted";

fn check_accept(option: &'static str, accept: &Accept) -> Result<(), ConfigError> {
    match accept {
        Accept::OneOf(values) if values.is_empty() => Err(invalid(option, EMPTY)),
        Accept::OneOf(values) if values.iter().any(String::is_empty) => {
            Err(invalid(option, "holds an empty string; say explicitly that any value is accepted if that is meant"))
        }
        _ => Ok(()),
    }
}

/// Each of several verifiers has issuers of its own.
fn check_issuers(verifiers: &[Verifier]) -> Result<(), ConfigError> {
    if verifiers
        .iter()
        .any(|verifier| verifier.settings.rules.issuer == Accept::Any && verifier.settings.rules.tenants.is_none())
    {
        return Err(invalid("issuer", "must be named by each of several verifiers"));
    }
    let is_same = || Err(invalid("issuer", "is the same in two places"));
    let templates = || verifiers.iter().filter(|verifier| verifier.settings.rules.issuer == Accept::Any);
    let mut issuers = verifiers.iter().flat_map(Verifier::issuers);
    while let Some(issuer) = issuers.next() {
        let named = Value::from(issuer);
        if issuers.clone().any(|other| other == issuer)
            || templates().any(|other| other.settings.rules.names_issuer(&named))
        {
            return is_same();
        }
    }
    // Two that take any tenant of an issuer.
    let mut any = templates().filter_map(|verifier| verifier.settings.rules.tenants.as_ref());
    while let Some(tenants) = any.next() {
        if any.clone().any(|other| other == tenants) {
            return is_same();
        }
    }
    Ok(())
}

fn invalid(option: &'static str, problem: &str) -> ConfigError {
    ConfigError::InvalidOption { option, problem: problem.to_string() }
}

/// Verifiers for several issuers. The one for a token is chosen by its `iss`, exactly; nothing else of the token decides.
#[derive(Clone, Debug)]
pub struct VerifierSet {
    verifiers: Vec<Verifier>,
}

impl VerifierSet {
    /// Puts verifiers together. A single one may accept any issuer; several must each name theirs.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] if there are none, or if it is not clear which one an issuer belongs to.
    pub fn new(verifiers: Vec<Verifier>) -> Result<Self, ConfigError> {
        if verifiers.is_empty() {
            return Err(invalid("issuer", "is missing: there is no verifier at all"));
        }
        if verifiers.len() > 1 {
            check_issuers(&verifiers)?;
        }
        Ok(Self { verifiers })
    }

    /// Verifies a token as of `now` with the verifier its `iss` chooses.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`]; [`Error::MissingClaim`] or [`Error::ClaimMismatch`] for `iss` if no verifier is chosen.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Token, Error> {
        let (_, verifier) = self.choose(token)?;
        verifier.verify(token, now)
    }

    /// The same for an ID token, and what this one call expects of it.
    ///
    /// # Errors
    ///
    /// As [`VerifierSet::verify`] and [`Verifier::verify_expecting`].
    pub fn verify_expecting(&self, token: &str, now: UnixTime, expected: &Expected<'_>) -> Result<Token, Error> {
        let (_, verifier) = self.choose(token)?;
        verifier.verify_expecting(token, now, expected)
    }

    /// The verifiers, in the order they were given.
    #[must_use]
    pub fn verifiers(&self) -> &[Verifier] {
        &self.verifiers
    }

    /// The same, to replace keys.
    pub fn verifiers_mut(&mut self) -> &mut [Verifier] {
        &mut self.verifiers
    }

    /// The verifier for a token, and its place. The token is not verified yet, so nothing it claims is shown.
    pub(crate) fn choose(&self, token: &str) -> Result<(usize, &Verifier), Error> {
        if let [only] = self.verifiers.as_slice() {
            return Ok((0, only));
        }
        let max_token_bytes =
            self.verifiers.iter().map(|verifier| verifier.settings.max_token_bytes).max().unwrap_or_default();
        let jws = Jws::parse(token, max_token_bytes)?;
        jws.header_object()?;
        let claims = jws.claims()?;
        let Some(iss) = claims.get("iss") else {
            return Err(Error::MissingClaim { claim: "iss".to_string() });
        };
        let chosen = self.verifiers.iter().enumerate().find(|(_, verifier)| verifier.settings.rules.names_issuer(iss));
        chosen.ok_or_else(|| Error::ClaimMismatch {
            claim: "iss".to_string(),
            expected: Value::Array(self.verifiers.iter().flat_map(Verifier::issuers).map(Value::from).collect()),
            actual: None,
        })
    }
}
