//! Points in time as an operator writes them.

use hoga_protocol::Nanos;

const MILLIS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Reads a time: ISO 8601 in UTC (`2023-04-30T12:35:10.123Z`, with up to nine decimals or none, or a day alone,
/// `2023-04-30`, which is its first moment), or milliseconds since 1970 (`1682858110123`).
///
/// # Errors
/// In words: it is neither, or lies outside 1970 to 2554.
pub fn parse_time(text: &str) -> Result<Nanos, String> {
    let nanos = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse()
            .ok()
            .and_then(|millis: u64| millis.checked_mul(MILLIS))
    } else {
        parse_iso(text)
    };
    nanos.map(Nanos).ok_or_else(|| {
        "a time is written 2023-04-30T12:35:10.123Z (UTC), 2023-04-30, or in milliseconds since 1970; it lies in 1970 \
         to 2554"
            .to_owned()
    })
}

fn parse_iso(text: &str) -> Option<u64> {
    let (date, of_day) = match text.split_once('T') {
        None => (text, 0),
        Some((date, clock)) => (date, parse_clock(clock.strip_suffix('Z')?)?),
    };
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    days_from_civil(year, month, day)
        .checked_mul(86_400 * SECOND)?
        .checked_add(of_day)
}

/// Nanoseconds since midnight.
fn parse_clock(text: &str) -> Option<u64> {
    let (clock, fraction) = match text.split_once('.') {
        None => (text, 0),
        Some((clock, digits)) => {
            let valid = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            let value: u64 = valid.then(|| digits.parse().ok())??;
            (clock, value * 10u64.pow(9 - digits.len() as u32))
        }
    };
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then_some((hour * 3_600 + minute * 60 + second) * SECOND + fraction)
}

/// Three numbers of exactly these many digits.
fn fields(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut found = [0; 3];
    for (field, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *field = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar, no earlier than that.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>). Years begin in March there, so that the leap
/// day is a year's last.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let era = year / 400;
    let year_of_era = year % 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_everybody_writes_them() {
        let cases = [
            ("0", 0),
            ("1682858110123", 1_682_858_110_123_000_000),
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400 * SECOND),
            ("2000-03-01T00:00:00Z", 951_868_800 * SECOND),
            ("2023-04-30T12:35:10.123Z", 1_682_858_110_123_000_000),
            ("2023-04-30T12:35:10.5Z", 1_682_858_110_500_000_000),
            ("2023-04-30T12:35:10.123456789Z", 1_682_858_110_123_456_789),
            ("2554-07-21T23:34:33.709551615Z", u64::MAX),
        ];
        for (text, want) in cases {
            assert_eq!(parse_time(text), Ok(Nanos(want)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_another() {
        let bad = [
            "",
            "now",
            "2023-04-30T12:35:10.123",
            "2023-04-30T12:35:10+09:00",
            "2023-04-30 12:35:10Z",
            "2023-4-30",
            "2023-02-29",
            "2100-02-29",
            "2023-13-01",
            "2023-04-31",
            "2023-00-10",
            "2023-04-00",
            "2023-04-30T24:00:00Z",
            "2023-04-30T12:60:00Z",
            "2023-04-30T12:00:60Z",
            "2023-04-30T12:00:00.Z",
            "2023-04-30T12:00:00.1234567890Z",
            "2023-04-30T12:00:00.+1Z",
            "1969-12-31",
            "2554-07-21T23:34:33.709551616Z",
            "18446744073710",
            "-1",
        ];
        for text in bad {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    /// Every day there is, as the gateway writes it.
    #[test]
    fn what_the_exchange_writes_is_read_back() {
        for day in 0..u64::MAX / SECOND / 86_400 {
            let time = Nanos((day * 86_400 + day % 86_400) * SECOND + 7 * MILLIS);
            let mut text = Vec::new();
            hoga_gateway::codec::time::write_iso(&mut text, time);
            assert_eq!(parse_time(std::str::from_utf8(&text).unwrap()), Ok(time));
        }
    }
}
