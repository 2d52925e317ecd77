//! The format of the result file, separate from the type that the program uses, so that each can
//! change alone.
//!
//! `docs/RESULTS.md` explains every field, and a test checks `docs/result.schema.json`. Fields may
//! be added within a schema version. A changed meaning or a removed field needs a new version; the
//! old format then moves to a read-only module (`v1`).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod columns;
mod event;
mod format_error;
mod interruptions;
mod operation;
mod run;
mod v1;

use serde::{Deserialize, Serialize};

use super::gate::GateOutcome;
use super::machine::Environment;
use super::run_result::RunResult;
use super::schema::SCHEMA_VERSION;
use super::target::Target;
use super::tool::Tool;
use super::verdict::Verdict;
use crate::workload::Plan;

pub use format_error::FormatError;
use run::FileRun;

#[derive(Deserialize)]
struct Head {
    schema_version: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema_version: u64,
    tool: Tool,
    target: Target,
    verdict: FileVerdict,
    environment: Environment,
    plan: Plan,
    runs: Vec<FileRun>,
}

#[derive(Serialize, Deserialize)]
struct FileVerdict {
    valid: bool,
    reasons: Vec<String>,
    findings: Vec<String>,
    gates: Vec<GateOutcome>,
    warnings: Vec<String>,
}

/// Returns the text of a result file.
///
/// # Panics
///
/// Never, if all times of the result are finite numbers.
#[must_use]
pub fn to_json(result: &RunResult) -> String {
    to_json_text(&File::from(result))
}

/// Returns a value as indented JSON with a final newline.
///
/// # Panics
///
/// If a map in `value` has keys that are not text, which is a bug.
#[must_use]
pub fn to_json_text<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("our types have a JSON form");
    text.push('\n');
    text
}

/// Reads the text of a result file.
///
/// # Errors
///
/// If the text is not a result, is damaged, or was written by a newer version.
pub fn from_json(text: &str) -> Result<RunResult, FormatError> {
    let head: Head = serde_json::from_str(text).map_err(|e| {
        // A truncated result is not JSON, but it contains this key.
        if text.contains("\"schema_version\"") {
            FormatError::Corrupt(e.to_string())
        } else {
            FormatError::NotAResult(e.to_string())
        }
    })?;
    match head.schema_version {
        None => Err(FormatError::NotAResult(
            "no schema_version in it".to_owned(),
        )),
        Some(found) if found > SCHEMA_VERSION => Err(FormatError::Newer { found }),
        Some(0) => Err(FormatError::Corrupt("schema_version is 0".to_owned())),
        Some(1) => v1::from_json(text),
        Some(_) => serde_json::from_str::<File>(text)
            .map_err(|e| FormatError::Corrupt(e.to_string()))?
            .try_into(),
    }
}

impl From<&RunResult> for File {
    fn from(result: &RunResult) -> Self {
        let labels: Vec<&str> = result.plan.ops.iter().map(|op| op.label.as_str()).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            tool: result.tool.clone(),
            target: result.target.clone(),
            verdict: FileVerdict {
                valid: result.verdict.is_valid(),
                reasons: result.verdict.reasons().to_vec(),
                findings: result.findings.clone(),
                gates: result.gates.clone(),
                warnings: result.warnings.clone(),
            },
            environment: result.environment.clone(),
            plan: result.plan.clone(),
            runs: result
                .runs
                .iter()
                .map(|run| FileRun::new(run, &labels))
                .collect(),
        }
    }
}

impl TryFrom<File> for RunResult {
    type Error = FormatError;

    fn try_from(file: File) -> Result<Self, FormatError> {
        let labels: Vec<&str> = file.plan.ops.iter().map(|op| op.label.as_str()).collect();
        let runs = (1..)
            .zip(file.runs)
            .map(|(number, run)| {
                run.into_recording(&labels)
                    .map_err(|why| FormatError::Corrupt(format!("run {number}: {why}")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            schema: file.schema_version,
            tool: file.tool,
            environment: file.environment,
            target: file.target,
            plan: file.plan,
            runs,
            verdict: Verdict::new(file.verdict.valid, file.verdict.reasons),
            findings: file.verdict.findings,
            gates: file.verdict.gates,
            warnings: file.verdict.warnings,
            path: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{
        DiskState, Event, EventKind, Gap, Recording, SessionGap, SessionOutage, SessionReturn,
        Verified,
    };
    use crate::result::run_result::example;
    use crate::workload::{Fault, FaultAction, Victim};

    fn kill_of_two_followers() -> Fault {
        Fault {
            at_ms: 10_000,
            action: FaultAction::Kill,
            victim: Victim::Followers(2),
            for_ms: Some(5_000),
        }
    }

    /// Notes a fault, the gap of a session, and outages.
    fn note_fault(run: &mut Recording) {
        run.note(Event {
            at_ns: 1_200_000_000,
            kind: EventKind::FaultBegan {
                fault: 0,
                action: "kill".into(),
                servers: vec!["h:1".into()],
                took_ns: 5,
            },
        });
        run.interruptions.session_gaps = [Some(1_300_000_000), None]
            .map(|to_ns| SessionGap {
                session: 7,
                gap: Gap {
                    from_ns: 1_150_000_000,
                    to_ns,
                },
            })
            .to_vec();
        let back = SessionReturn {
            at_ns: 1_280_000_000,
            server: 2,
            resumed: true,
        };
        for back in [Some(back), None] {
            run.interruptions.add_outage(SessionOutage {
                session: 7,
                server: 1,
                lost_ns: 1_200_000_100,
                back,
            });
        }
    }

    #[test]
    fn a_result_round_trips_through_its_file_format() {
        let mut result = example::result();
        let mut run = example::bumpy_recording();
        run.number = 1;
        run.disk = Some(DiskState {
            baseline_us: 100.0,
            before_us: 130.0,
            waited_s: 2.5,
            settled: true,
        });
        run.verified = Some(Verified {
            writes: 12,
            lost: 1,
            unverifiable: 2,
            examples: vec!["/a has version 1".into()],
        });
        for kind in [
            EventKind::SessionBack {
                session: 3,
                server: "h:1".into(),
                after_ns: 5,
                resumed: true,
            },
            EventKind::LeaderChanged {
                from: None,
                to: Some("h:1".into()),
            },
            EventKind::ServerEnded {
                server: "h:2".into(),
                how: "signal 9".into(),
            },
            EventKind::FaultBegan {
                fault: 0,
                action: "kill".into(),
                servers: vec!["h:2".into()],
                took_ns: 12,
            },
            EventKind::FaultEnded {
                fault: 0,
                action: "restart".into(),
                servers: vec!["h:2".into()],
                took_ns: 13,
            },
            EventKind::FaultFailed {
                fault: 1,
                action: "pause".into(),
                servers: Vec::new(),
                why: "no server leads".into(),
            },
        ] {
            run.note(Event { at_ns: -7, kind });
        }
        note_fault(&mut run);
        run.find_gaps();
        assert_eq!(run.interruptions.session_gaps.len(), 1);
        assert!(run.interruptions.response.writes.len() > 100);
        result.runs.push(run);
        result.plan.faults.push(kill_of_two_followers());
        let text = to_json(&result);
        assert_eq!(from_json(&text).unwrap(), result);
        assert!(
            text.contains("\"ConnectionLoss\": 1"),
            "errors are stored by name"
        );
        assert!(text.contains("\"event\": \"session_lost\""));
        assert!(text.contains("\"kind\": \"kill\""));
        assert!(text.contains("\"victim\": \"followers 2\""));
        assert!(text.contains("\"HISTFAAA"));
        assert!(text.contains("\"commit\": null") || result.tool.commit.is_some());
    }

    fn broken(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut value = serde_json::from_str(&to_json(&example::result())).unwrap();
        change(&mut value);
        from_json(&value.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_faulty_part() {
        let newer = broken(|v| v["schema_version"] = 99.into());
        assert!(newer.contains("schema version 99"), "{newer}");
        let none = broken(|v| v["schema_version"] = serde_json::Value::Null);
        assert!(none.starts_with("not a Quorate result"), "{none}");
        let missing = broken(|v| drop(v.as_object_mut().unwrap().remove("plan")));
        assert!(missing.contains("missing field `plan`"), "{missing}");
        let gap = broken(|v| v["runs"][0]["intervals"][1]["index"] = 5.into());
        assert_eq!(gap, "damaged: run 1: interval 5 stands where 1 belongs");
        let histogram = broken(|v| {
            v["runs"][0]["intervals"][0]["ops"]["set"]["response"]["hdr"] = "HIST".into();
        });
        assert!(
            histogram.contains("interval 0, operation \"set\": response:"),
            "{histogram}"
        );
        let stranger = broken(|v| {
            let ops = &mut v["runs"][0]["intervals"][0]["ops"];
            ops["other"] = ops["set"].clone();
        });
        assert!(
            stranger.contains("\"other\" is not in the plan"),
            "{stranger}"
        );
        let counts = broken(|v| v["runs"][0]["timeline"]["due"] = "1,x".into());
        assert!(
            counts.contains("timeline: \"x\" is not a count"),
            "{counts}"
        );
        let parts = broken(|v| {
            v["runs"][0]["intervals"][0]["ops"]["set"]["cap_full"] = 3.into();
        });
        assert!(parts.contains("not_sent is less than"), "{parts}");
    }

    #[test]
    fn a_text_without_a_schema_version_is_not_a_result() {
        assert!(matches!(from_json("{}"), Err(FormatError::NotAResult(_))));
        assert!(matches!(
            from_json("name = 1"),
            Err(FormatError::NotAResult(_))
        ));
        let text = to_json(&example::result());
        let cut = &text[..text.len() / 2];
        assert!(matches!(from_json(cut), Err(FormatError::Corrupt(_))));
    }
}
