//! Options for the most common settings of a load. They are short forms of `--set load.KEY=VALUE`.

use clap::Args;

use super::failure::{Failure, bad_usage};

/// The keys that determine how operations arrive. A load has exactly one of them.
const ARRIVALS: [&str; 3] = ["rate", "in_flight", "phase"];

/// The options. Each is converted to an override of one key, so that the parser of the workload checks all values.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadFlags {
    /// Operations per second, as an open loop
    #[arg(long, short, value_name = "N", conflicts_with = "in_flight")]
    rate: Option<String>,
    /// Operations in flight per session, as a closed loop
    #[arg(long, value_name = "N")]
    in_flight: Option<String>,
    /// Measured time of a run: `30s`, `2m`
    #[arg(long, short, value_name = "TIME")]
    duration: Option<String>,
    /// Time before the measured time. Its operations do not count
    #[arg(long, alias = "warmup", value_name = "TIME")]
    warm_up: Option<String>,
    /// Number of client sessions
    #[arg(long, short, visible_short_alias = 'c', value_name = "N")]
    sessions: Option<String>,
    /// Number of generator threads
    #[arg(long, short, value_name = "N")]
    threads: Option<String>,
    /// Number of runs
    #[arg(long, value_name = "N")]
    repeats: Option<String>,
}

impl LoadFlags {
    /// Returns the overrides of the given options. They apply after those of `--set`.
    ///
    /// # Errors
    /// Bad usage if `set` contains the key of an option, or conflicts with an option about how operations arrive.
    pub(super) fn overrides(&self, set: &[String]) -> Result<Vec<String>, Failure> {
        let mut overrides = Vec::new();
        for flag in self.given() {
            let rival = set.iter().find(|text| flag.excludes(text));
            if let Some(rival) = rival {
                return Err(bad_usage(format!(
                    "{} and --set {rival} exclude each other; give one of them",
                    flag.as_typed()
                )));
            }
            overrides.push(flag.as_override());
        }
        Ok(overrides)
    }

    /// Whether no option is given.
    pub(super) fn is_empty(&self) -> bool {
        self.given().is_empty()
    }

    /// Returns `--rate` or `--in-flight` as typed, if it is given.
    pub(super) fn arrival(&self) -> Option<String> {
        let mut given = self.given().into_iter();
        let found = given.find(|flag| matches!(flag.name, "--rate" | "--in-flight"))?;
        Some(found.as_typed())
    }

    /// Rewords a problem of a workload. If the problem names the override of an option, the returned text names
    /// the option: `--rate fast: ...` instead of `--set load.rate=fast: ...`.
    pub(super) fn reworded(&self, problem: String) -> String {
        let reworded = self.given().into_iter().find_map(|flag| {
            let blamed = format!("--set {}: ", flag.as_override());
            let rest = problem.strip_prefix(&blamed)?;
            Some(format!("{}: {rest}", flag.as_typed()))
        });
        reworded.unwrap_or(problem)
    }

    fn given(&self) -> Vec<Flag<'_>> {
        let all = [
            ("--rate", "load.rate", &self.rate),
            ("--in-flight", "load.in_flight", &self.in_flight),
            ("--duration", "load.duration", &self.duration),
            ("--warm-up", "load.warm_up", &self.warm_up),
            ("--sessions", "load.sessions", &self.sessions),
            ("--threads", "load.threads", &self.threads),
            ("--repeats", "load.repeats", &self.repeats),
        ];
        all.into_iter()
            .filter_map(|(name, key, value)| {
                let value = value.as_deref()?;
                Some(Flag { name, key, value })
            })
            .collect()
    }
}

struct Flag<'a> {
    name: &'static str,
    key: &'static str,
    value: &'a str,
}

impl Flag<'_> {
    fn as_typed(&self) -> String {
        format!("{} {}", self.name, self.value)
    }

    fn as_override(&self) -> String {
        format!("{}={}", self.key, self.value)
    }

    /// Whether this option conflicts with an override of `--set`: both have the same key, or both determine how
    /// operations arrive.
    fn excludes(&self, set: &str) -> bool {
        let key = set.split('=').next().unwrap_or_default();
        // Spaces are allowed around the parts of a key.
        let parts: Vec<&str> = key.split('.').map(str::trim).collect();
        let is_arrival = |key: &str| ARRIVALS.contains(&key);
        match parts.as_slice() {
            ["load", first, ..] if is_arrival(first) => is_arrival(self.leaf()),
            ["load", only] => *only == self.leaf(),
            _ => false,
        }
    }

    /// Returns the key without `load.`.
    fn leaf(&self) -> &str {
        self.key.trim_start_matches("load.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> LoadFlags {
        LoadFlags {
            rate: Some("5000".to_owned()),
            warm_up: Some("1s".to_owned()),
            ..LoadFlags::default()
        }
    }

    #[test]
    fn options_become_overrides_of_the_load() {
        let set = ["load.sessions=4".to_owned(), "op.0.weight=3".to_owned()];
        assert_eq!(
            flags().overrides(&set).unwrap(),
            ["load.rate=5000", "load.warm_up=1s"]
        );
        assert!(LoadFlags::default().is_empty() && !flags().is_empty());
        assert_eq!(flags().arrival().as_deref(), Some("--rate 5000"));
        assert_eq!(LoadFlags::default().arrival(), None);
    }

    #[test]
    fn an_option_conflicts_with_a_set_of_its_key_or_of_another_arrival() {
        let sets = [
            "load.rate=5000",
            " load . rate = 7",
            "load.in_flight=4",
            "load.phase.0.rate=4",
            "load.warm_up=2s",
        ];
        for set in sets {
            let failure = flags().overrides(&[set.to_owned()]).unwrap_err();
            let text = failure.text();
            assert!(
                text.contains(&format!(" and --set {set} exclude")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_problem_with_an_option_names_the_option() {
        let reworded = |text: &str| flags().reworded(text.to_owned());
        assert_eq!(
            reworded("--set load.rate=5000: too much"),
            "--rate 5000: too much"
        );
        let other = "--set load.rate=50000: too much";
        assert_eq!(reworded(other), other);
    }
}
