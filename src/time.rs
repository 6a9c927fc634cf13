//! Times and durations of the standard library, as the numbers of seconds that tokens count in.

use core::time::Duration;
#[cfg(feature = "std")]
use std::time::SystemTime;

use crate::UnixTime;
use crate::error::TimeRangeError;

/// A duration as an option takes it: a [`Duration`], or seconds as an `f64`, which the option checks to be finite and 0 or
/// more.
///
/// ```
/// use core::time::Duration;
/// use tokenward::Seconds;
///
/// assert_eq!(Seconds::from(Duration::from_millis(1500)), Seconds::from(1.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// As a number, which may be anything that an `f64` can be.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }
}

impl From<f64> for Seconds {
    fn from(seconds: f64) -> Self {
        Self(seconds)
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

/// The duration counts from 1970-01-01T00:00:00Z, as many clocks without `std` have it. To about a microsecond in this century,
/// since the number is a double.
impl From<Duration> for UnixTime {
    fn from(since_1970: Duration) -> Self {
        Self::of_finite(since_1970.as_secs_f64())
    }
}

/// Since 1970-01-01T00:00:00Z.
///
/// # Errors
///
/// [`TimeRangeError`] for what is before 1970 or too late for a [`Duration`].
impl TryFrom<UnixTime> for Duration {
    type Error = TimeRangeError;

    fn try_from(time: UnixTime) -> Result<Self, TimeRangeError> {
        let seconds = time.as_secs_f64();
        Self::try_from_secs_f64(seconds).map_err(|_| TimeRangeError { seconds })
    }
}

/// To about a microsecond in this century, since the number is a double. Before 1970 it is negative.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tokenward::UnixTime;
///
/// let time = UnixTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000));
/// assert_eq!(time, UnixTime::from_secs(1_760_000_000));
/// ```
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        Self::of_finite(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        })
    }
}

/// # Errors
///
/// [`TimeRangeError`] for what the system cannot represent.
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl TryFrom<UnixTime> for SystemTime {
    type Error = TimeRangeError;

    fn try_from(time: UnixTime) -> Result<Self, TimeRangeError> {
        let seconds = time.as_secs_f64();
        let distance = Duration::try_from_secs_f64(seconds.abs()).ok();
        let moment = distance.and_then(|distance| {
            let epoch = Self::UNIX_EPOCH;
            if seconds < 0.0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
        });
        moment.ok_or(TimeRangeError { seconds })
    }
}
