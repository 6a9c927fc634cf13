//! The offline decision: what the bearer of a genuine token may do at a moment. A pure function of the token's times,
//! the moment, what is known of the clock, and the policy, so that every platform decides alike.
//!
//! After FusionAuth's advice on offline access: a bounded grace past `exp` with degraded rights, a mandatory check-in,
//! and no access while the clock is behind what was already seen of time.

use core::time::Duration;

use crate::claims::{ClaimRules, TokenTimes, UnixTime};
use crate::error::{ConfigError, by_language};

const MINUTE: f64 = 60.0;
const DAY: f64 = 24.0 * 60.0 * MINUTE;

/// How long a genuine token serves without the provider.
///
/// Default: 24 hours of grace, a check-in every 7 days, 60 seconds of rollback tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    grace: f64,
    check_in: f64,
    rollback_tolerance: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { grace: DAY, check_in: 7.0 * DAY, rollback_tolerance: MINUTE }
    }
}

impl Policy {
    /// A policy of three durations in seconds: `grace` is how long after `exp` access is still limited, `check_in` how
    /// long a device may go without the provider (`None`: for ever), `rollback_tolerance` how far the clock may be
    /// behind what was already seen of time.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] if one is negative or not finite.
    pub fn new(grace: f64, check_in: Option<f64>, rollback_tolerance: f64) -> Result<Self, ConfigError> {
        ClaimRules::check_seconds("grace", grace)?;
        ClaimRules::check_seconds(by_language("rollback_tolerance", "rollbackTolerance"), rollback_tolerance)?;
        if let Some(check_in) = check_in {
            ClaimRules::check_seconds(by_language("check_in", "checkIn"), check_in)?;
        }
        Ok(Self::of_checked(grace, check_in, rollback_tolerance))
    }

    /// The same of durations, none of which can be wrong.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tokenward::Policy;
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let policy = Policy::from_durations(24 * hour, Some(7 * 24 * hour), Duration::from_secs(60));
    /// assert_eq!(policy, Policy::default());
    /// ```
    #[must_use]
    pub fn from_durations(grace: Duration, check_in: Option<Duration>, rollback_tolerance: Duration) -> Self {
        let check_in = check_in.map(|check_in| check_in.as_secs_f64());
        Self::of_checked(grace.as_secs_f64(), check_in, rollback_tolerance.as_secs_f64())
    }

    pub(crate) fn of_checked(grace: f64, check_in: Option<f64>, rollback_tolerance: f64) -> Self {
        Self { grace, check_in: check_in.unwrap_or(f64::INFINITY), rollback_tolerance }
    }
}

/// What a device knows of time beside what its clock says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockMarks {
    /// The greatest time that was seen and is trusted: from a server's answer, or from this very clock earlier.
    pub highest: Option<UnixTime>,
    /// When the provider last answered. The `iat` of a genuine token proves as much.
    pub last_check_in: Option<UnixTime>,
    /// Whether the clock was found behind the marks since the last check-in. Whoever calls keeps this: a clock that was
    /// set back once is not believed again until the next check-in.
    pub rolled_back: bool,
}

/// How much the bearer of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// What the app allows in the time of grace: reading, as a rule.
    Limited,
    /// What the token says.
    Full,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The token is within its times.
    Valid,
    /// The token has expired, the time of grace has not.
    Grace,
    /// The token and the time of grace have expired.
    Expired,
    /// The provider was not asked for too long.
    CheckInRequired,
    /// The clock is behind what was already seen of time.
    ClockRolledBack,
    /// The token's `nbf` is in the future.
    NotYetValid,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// How much.
    pub access: Access,
    /// Why.
    pub reason: Reason,
    /// The first moment at which the answer is another one, if time alone can change it.
    pub until: Option<UnixTime>,
}

impl Policy {
    /// A clock too far behind the marks is asked nothing more; one a little behind is taken forward to them, so that
    /// moving it never gains anything. Then time passes up to four points: from `nbf` the answer is `full`, from `exp`
    /// on `limited`, after the grace, or when a check-in is due if that is earlier, `none`. Once valid, access never
    /// grows without a check-in, whatever the clock does.
    pub(crate) fn decide(&self, times: &LifeTimes, now: UnixTime, marks: &ClockMarks) -> Decision {
        let seen = [marks.highest, marks.last_check_in].map(|mark| mark.map(UnixTime::as_secs_f64));
        // The token itself was seen, so it is not before `iat`.
        let seen = latest(seen).max(latest([times.issued]));
        if marks.rolled_back || now.as_secs_f64() < seen - self.rollback_tolerance {
            return Decision::new(Access::None, Reason::ClockRolledBack, f64::INFINITY);
        }
        let now = now.as_secs_f64().max(seen);
        let check_in_due = latest([marks.last_check_in.map(UnixTime::as_secs_f64), times.issued]) + self.check_in;
        let grace_ends = (times.stale + self.grace).max(times.ends);
        let end = grace_ends.min(check_in_due);
        let full_ends = times.ends.min(check_in_due);
        if now >= end {
            let reason = if check_in_due < grace_ends { Reason::CheckInRequired } else { Reason::Expired };
            Decision::new(Access::None, reason, f64::INFINITY)
        } else if now < times.begins {
            Decision::new(Access::None, Reason::NotYetValid, times.begins.min(end))
        } else if now < full_ends {
            Decision::new(Access::Full, Reason::Valid, full_ends)
        } else {
            Decision::new(Access::Limited, Reason::Grace, end)
        }
    }
}

impl Decision {
    fn new(access: Access, reason: Reason, until: f64) -> Self {
        Self { access, reason, until: UnixTime::from_secs_f64(until) }
    }
}

/// The times of a token as a verifier with its own tolerance judges them, in Unix seconds; what is absent is infinite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifeTimes {
    /// From here it is verified, the tolerance counted in.
    pub(crate) begins: f64,
    /// From here it is not verified any more, the tolerance counted in.
    pub(crate) ends: f64,
    /// The same without the tolerance: the grace counts from here.
    pub(crate) stale: f64,
    pub(crate) issued: Option<f64>,
}

impl LifeTimes {
    pub(crate) fn new(times: TokenTimes, tolerance: f64, max_token_age: Option<f64>) -> Self {
        let exp = times.exp.unwrap_or(f64::INFINITY);
        let stale = match (times.iat, max_token_age) {
            (Some(iat), Some(max_age)) => exp.min(iat + max_age),
            _ => exp,
        };
        let begins = times.nbf.map_or(f64::NEG_INFINITY, |nbf| nbf - tolerance);
        Self { begins, ends: stale + tolerance, stale, issued: times.iat }
    }
}

fn latest<const N: usize>(times: [Option<f64>; N]) -> f64 {
    times.into_iter().flatten().fold(f64::NEG_INFINITY, f64::max)
}
