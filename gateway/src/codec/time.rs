//! Timestamps as text, by hand: no time zone, no calendar library, no clock.

use hoga_protocol::Nanos;

/// The bytes of a timestamp's text.
pub const TEXT_LEN: usize = 24;

const MILLIS_PER_DAY: u64 = 86_400_000;

/// Appends `time` as ISO 8601 in UTC, milliseconds, rounded down: `2023-04-30T12:35:10.123Z`.
pub fn write_iso(out: &mut Vec<u8>, time: Nanos) {
    out.extend_from_slice(&quoted(time)[1..=TEXT_LEN]);
}

/// The same as a text.
pub fn text(time: Nanos) -> String {
    String::from_utf8_lossy(&quoted(time)[1..=TEXT_LEN]).into_owned()
}

/// The same between quotes.
pub(super) fn write_quoted(out: &mut Vec<u8>, time: Nanos) {
    out.extend_from_slice(&quoted(time));
}

#[inline]
fn quoted(time: Nanos) -> [u8; TEXT_LEN + 2] {
    let millis = time.millis();
    let (year, month, day) = civil_from_days(millis / MILLIS_PER_DAY);
    let of_day = millis % MILLIS_PER_DAY;
    let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
    put(&mut text, 1, year / 100);
    put(&mut text, 3, year % 100);
    put(&mut text, 6, month);
    put(&mut text, 9, day);
    put(&mut text, 12, of_day / 3_600_000);
    put(&mut text, 15, of_day / 60_000 % 60);
    put(&mut text, 18, of_day / 1_000 % 60);
    let millis = of_day % 1_000;
    put(&mut text, 21, millis / 10);
    text[23] = b'0' + (millis % 10) as u8;
    text
}

/// Reads ISO 8601 in UTC as it is [written](write_iso), with any number of decimals of the second from none to nine, each
/// of which counts. A time before 1970 is 0, one that a `Nanos` has no room for is its latest; `None` for any other text.
pub fn parse_iso(text: &str) -> Option<Nanos> {
    let (seconds, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (text.strip_suffix('Z')?, None),
    };
    let seconds: &[u8; 19] = seconds.as_bytes().try_into().ok()?;
    let separated = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separated.iter().any(|&(at, separator)| seconds[at] != separator) {
        return None;
    }
    let number = |from: usize, to: usize| digits(&seconds[from..to]);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_from_civil(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(fraction) if (1..=9).contains(&fraction.len()) => {
            digits(fraction.as_bytes())? * 10u64.pow(9 - fraction.len() as u32)
        }
        Some(_) => return None,
    };
    let of_day = i128::from(hour * 3_600 + minute * 60 + second);
    let time = (i128::from(days) * 86_400 + of_day) * 1_000_000_000 + i128::from(nanos);
    Some(Nanos(time.clamp(0, i128::from(u64::MAX)) as u64))
}

/// At most 18 decimal digits, and nothing else.
fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// Days since 1970-01-01, if there is such a day: Howard Hinnant's `days_from_civil`, the way back from
/// [`civil_from_days`].
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // January and February of the year 0 lie in the year before it, which no unsigned number is: 400 years have the same
    // days everywhere.
    let year = year + 400 - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era) as i64 - 719_468 - 146_097)
}

/// Year, month (from 1) and day (from 1) of the proleptic Gregorian calendar, from days since 1970-01-01.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>), for days that are never negative. Years
/// begin in March there, so that the leap day is a year's last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Days from 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Two digits.
#[inline]
fn put(text: &mut [u8; TEXT_LEN + 2], at: usize, value: u64) {
    let value = value as u8;
    text[at] = b'0' + value / 10;
    text[at + 1] = b'0' + value % 10;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(seconds: u64, nanos: u64) -> String {
        let mut out = Vec::new();
        write_iso(&mut out, Nanos(seconds * 1_000_000_000 + nanos));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_instants_are_written_as_everybody_writes_them() {
        let cases = [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (86_399, 999_999_999, "1970-01-01T23:59:59.999Z"),
            (68_169_600, 0, "1972-02-29T00:00:00.000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (951_868_800, 0, "2000-03-01T00:00:00.000Z"),
            (978_307_199, 0, "2000-12-31T23:59:59.000Z"),
            (1_234_567_890, 0, "2009-02-13T23:31:30.000Z"),
            (1_682_858_110, 123_000_000, "2023-04-30T12:35:10.123Z"),
            (1_682_858_110, 123_999_999, "2023-04-30T12:35:10.123Z"),
            (1_709_164_800, 1, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599, 0, "2024-12-31T23:59:59.000Z"),
            (2_147_483_648, 0, "2038-01-19T03:14:08.000Z"),
            // 2100 is no leap year.
            (4_107_456_000, 0, "2100-02-28T00:00:00.000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
            (18_446_744_073, 709_551_615, "2554-07-21T23:34:33.709Z"),
        ];
        for (seconds, nanos, want) in cases {
            assert_eq!(iso(seconds, nanos), want);
            assert_eq!(want.len(), TEXT_LEN);
        }
    }

    #[test]
    fn a_time_is_read_to_the_nanosecond_or_not_at_all() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.000000001Z", Some(1)),
            ("2023-04-30T12:35:10.123Z", Some(1_682_858_110_123_000_000)),
            ("2023-04-30T12:35:10.1Z", Some(1_682_858_110_100_000_000)),
            ("2023-04-30T12:35:10.123456789Z", Some(1_682_858_110_123_456_789)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000_000)),
            ("1969-12-31T23:59:59.999Z", Some(0)),
            ("0000-01-01T00:00:00Z", Some(0)),
            ("2554-07-21T23:34:33.709551615Z", Some(u64::MAX)),
            ("9999-12-31T23:59:59Z", Some(u64::MAX)),
            ("2023-04-30T12:35:10.1234567890Z", None),
            ("2023-04-30T12:35:10.Z", None),
            ("2023-04-30T12:35:10", None),
            ("2023-04-30T12:35:10+00:00", None),
            ("2023-04-30t12:35:10z", None),
            ("2023-04-30 12:35:10Z", None),
            ("2023-02-29T12:35:10Z", None),
            ("2100-02-29T12:35:10Z", None),
            ("2023-13-01T12:35:10Z", None),
            ("2023-00-01T12:35:10Z", None),
            ("2023-04-31T12:35:10Z", None),
            ("2023-04-00T12:35:10Z", None),
            ("2023-04-30T24:00:00Z", None),
            ("2023-04-30T12:60:10Z", None),
            ("2023-04-30T12:35:60Z", None),
            ("2023-4-30T12:35:10Z", None),
            ("+023-04-30T12:35:10Z", None),
            ("2023-04-30T12:35:10.-1Z", None),
            ("2023-04-30T12:35:1\u{e9}Z", None),
            ("Z", None),
            ("", None),
        ] {
            assert_eq!(parse_iso(text), want.map(Nanos), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for days in (0..213_503).step_by(13) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days as i64));
            let time = Nanos(days * 86_400_000_000_000 + days % 1_000 * 1_000_000);
            let text = iso(time.0 / 1_000_000_000, time.0 % 1_000_000_000);
            assert_eq!(parse_iso(&text), Some(time), "{text}");
        }
    }

    /// Counts days one by one by the rule of leap years, over the whole range of a `Nanos`.
    #[test]
    fn no_day_in_six_centuries_is_skipped_or_told_twice() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..u64::MAX / 1_000_000_000 / 86_400 {
            assert_eq!(civil_from_days(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!(year, 2554);
    }
}
