//! Dates in the two forms that the words need. Both are in UTC.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Returns `2026-02-11 20:18 UTC`, the form of the build date in Apache ZooKeeper's version. `at_s` counts
/// seconds since 1970.
pub(super) fn minute(at_s: i64) -> String {
    let Date {
        year, month, day, ..
    } = Date::of(at_s);
    let minutes = at_s.rem_euclid(86_400) / 60;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        minutes / 60,
        minutes % 60
    )
}

/// Returns `Wed Nov 25 17:35:37 UTC 2026`, the form of `java.util.Date`. `at_ms` counts milliseconds since
/// 1970.
pub(super) fn second(at_ms: i64) -> String {
    let at_s = at_ms.div_euclid(1000);
    let Date {
        year,
        month,
        day,
        weekday,
    } = Date::of(at_s);
    let seconds = at_s.rem_euclid(86_400);
    format!(
        "{weekday} {} {day:02} {:02}:{:02}:{:02} UTC {year}",
        MONTHS[month - 1],
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

struct Date {
    year: i64,
    /// 1 to 12.
    month: usize,
    /// 1 to 31.
    day: i64,
    weekday: &'static str,
}

impl Date {
    /// Returns the Gregorian date of a time in seconds since 1970.
    fn of(at_s: i64) -> Self {
        let days = at_s.div_euclid(86_400);
        // Counted from 1 March of the year 0, every leap day is the last day of its year, and 400
        // years have 146,097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = usize::try_from(month_from_march).map_or(1, |m| (m + 2) % 12 + 1);
        let weekday = usize::try_from(days.rem_euclid(7)).map_or(DAYS[0], |day| DAYS[day]);
        Self {
            year: year_of_era + 400 * era + i64::from(month <= 2),
            month,
            day,
            weekday,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_have_their_dates() {
        for (at_s, shown) in [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (951_782_399, "Mon Feb 28 23:59:59 UTC 2000"),
            (951_782_400, "Tue Feb 29 00:00:00 UTC 2000"),
            (951_868_800, "Wed Mar 01 00:00:00 UTC 2000"),
            (1_735_689_599, "Tue Dec 31 23:59:59 UTC 2024"),
            (1_795_628_137, "Wed Nov 25 17:35:37 UTC 2026"),
            (4_107_542_400, "Mon Mar 01 00:00:00 UTC 2100"),
        ] {
            assert_eq!(second(at_s * 1000 + 999), shown);
        }
        assert_eq!(minute(1_770_841_139), "2026-02-11 20:18 UTC");
        assert_eq!(minute(0), "1970-01-01 00:00 UTC");
    }
}
