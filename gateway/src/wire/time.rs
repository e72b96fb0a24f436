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
