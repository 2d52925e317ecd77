//! The `[[fault]]` tables: what happens to which servers, and when.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::network_table;
use super::problems::Read;
use super::section::Section;
use super::units::format_duration;
use crate::workload::fault::{
    Between, Direction, Fault, FaultAction, Victim, planned_ends_ms, restarted_kills,
};
use crate::workload::limits;
use crate::workload::network::LinkShape;
use crate::workload::plan::{LoadPlan, TargetShape};

/// Reads the faults and checks them together. `shape` and `load` are `None` if they could not be
/// read. The faults are not compared with them then.
pub(super) fn read(
    root: &Section<'_>,
    tables: &[Read<Section<'_>>],
    shape: Option<&TargetShape>,
    load: Option<&LoadPlan>,
) -> Read<Vec<Fault>> {
    if tables.len() > limits::FAULTS {
        return root.bad(
            "fault",
            format!("lists more than {} faults", limits::FAULTS),
        );
    }
    let faults: Vec<Read<Fault>> = tables
        .iter()
        .map(|table| {
            let table = table.as_ref()?;
            let fault = read_one(table)?;
            let victim = shape.map_or(Some(()), |shape| check_victim(table, &fault, shape));
            let time = load.map_or(Some(()), |load| check_time(table, &fault, load));
            victim.and(time)?;
            Some(fault)
        })
        .collect();
    let faults: Vec<Fault> = faults.into_iter().collect::<Read<_>>()?;
    let tables: Vec<&Section<'_>> = tables.iter().flatten().collect();
    let restarts = check_restarts(&tables, &faults);
    let overlaps = check_overlaps(&tables, &faults);
    restarts.and(overlaps)?;
    Some(faults)
}

/// Reads everything before it checks for errors, so that all problems are reported.
fn read_one(table: &Section<'_>) -> Read<Fault> {
    let at_ms = table.duration_ms("at", 0..=*limits::FAULT_MS.end());
    if at_ms == Some(None) {
        let problem = "this fault has no time; add at = \"10s\", the time since the start of the measured phase";
        table.inconsistent::<()>("at", problem);
    }
    let action = read_action(table);
    let victim = read_victim(table);
    let for_ms = table.duration_ms("for", limits::FAULT_MS);
    let fault = Fault {
        at_ms: at_ms??,
        action: action?,
        victim: victim?,
        for_ms: for_ms?,
    };
    if fault.action == FaultAction::Restart && fault.for_ms.is_some() {
        let problem = "does not belong to a restart, which has no end; remove it";
        return table.bad("for", problem);
    }
    Some(fault)
}

fn read_action(table: &Section<'_>) -> Read<FaultAction> {
    let names = || FaultAction::NAMES.join(", ");
    let Some(text) = table.text("kind")? else {
        let problem = format!("this fault has no `kind`; give one of {}", names());
        return table.inconsistent("kind", problem);
    };
    if !FaultAction::NAMES.contains(&text) {
        return table.bad(
            "kind",
            format!("is {text:?}; it must be one of {}", names()),
        );
    }
    let is_of_network = matches!(text, "cut" | "slow");
    let direction = read_word(
        table,
        "direction",
        Direction::ALL.map(|one| (one.name(), one)),
    );
    let between = read_word(table, "between", Between::ALL.map(|one| (one.name(), one)));
    let link = network_table::read_link(table);
    let keys = if is_of_network {
        &[][..]
    } else {
        &["direction", "between"][..]
    };
    let link_keys = if text == "slow" {
        &[][..]
    } else {
        &["delay", "jitter", "rate"][..]
    };
    let mut allowed = Some(());
    for key in keys.iter().chain(link_keys).filter(|key| table.has(key)) {
        let problem = format!("does not belong to the kind {text:?}; remove it");
        allowed = table.bad(key, problem);
    }
    allowed?;
    let (direction, between) = (
        direction?.unwrap_or(Direction::Both),
        between?.unwrap_or(Between::All),
    );
    Some(match text {
        "kill" => FaultAction::Kill,
        "pause" => FaultAction::Pause,
        "restart" => FaultAction::Restart,
        "cut" => FaultAction::Cut { direction, between },
        _ => {
            let link = link?;
            if link == LinkShape::default() {
                let problem =
                    "slows nothing down; give `delay`, `rate` or both, such as delay = \"50ms\"";
                return table.bad("kind", problem);
            }
            FaultAction::Slow {
                direction,
                between,
                link,
            }
        }
    })
}

/// Reads one of several words.
fn read_word<T, const N: usize>(
    table: &Section<'_>,
    key: &str,
    words: [(&'static str, T); N],
) -> Read<Option<T>> {
    let Some(text) = table.text(key)? else {
        return Some(None);
    };
    let names = words.each_ref().map(|(name, _)| *name).join(", ");
    match words.into_iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Some(Some(value)),
        None => table.bad(key, format!("is {text:?}; it must be one of {names}")),
    }
}

fn read_victim(table: &Section<'_>) -> Read<Victim> {
    let Some(text) = table.text("victim")? else {
        let problem = format!("this fault has no `victim`; give {}", Victim::FORMS);
        return table.inconsistent("victim", problem);
    };
    match text.parse() {
        Ok(victim) => Some(victim),
        Err(error) => table.bad("victim", format!("{error}")),
    }
}

/// Checks that an ensemble of this shape has the victim.
fn check_victim(table: &Section<'_>, fault: &Fault, shape: &TargetShape) -> Read<()> {
    let TargetShape {
        voters, observers, ..
    } = *shape;
    let servers = voters + observers;
    if servers == 1
        && let Some(between) = fault.action.proxied()
        && between.has_servers()
    {
        let problem = "affects connections between servers, and there is a single server; set between = \"clients\"";
        return table.bad("between", problem);
    }
    let is = |what: &str| format!("is {:?}, but {what}", fault.victim.to_string());
    let problem = match fault.victim {
        Victim::Leader | Victim::Followers(_) if servers == 1 => is(
            "a single server neither leads nor follows; use \"server 1\", or raise target.voters",
        ),
        Victim::Followers(count) if count >= voters => is(&format!(
            "{voters} voters have {} followers; lower it, or raise target.voters",
            voters - 1
        )),
        Victim::Observer if observers == 0 => {
            is("the ensemble has no observers; set target.observers")
        }
        Victim::Server(number) if number > servers => is(&format!(
            "the ensemble has {servers} servers; use a number from 1 to {servers}"
        )),
        _ => return Some(()),
    };
    table.bad("victim", problem)
}

/// Checks that the fault begins in the measured phase and ends before the end of the drain.
fn check_time(table: &Section<'_>, fault: &Fault, load: &LoadPlan) -> Read<()> {
    if fault.at_ms >= load.duration_ms {
        let problem = format!(
            "is {}, but the measured phase ends after {}; a fault begins within it: lower `at`, or raise load.duration",
            format_duration(fault.at_ms),
            format_duration(load.duration_ms)
        );
        return table.bad("at", problem);
    }
    let end_ms = fault.at_ms.saturating_add(fault.for_ms.unwrap_or(0));
    let last_ms = load.duration_ms.saturating_add(load.drain_ms);
    if end_ms > last_ms {
        let problem = format!(
            "makes the fault end after {}, but the run ends after {} (load.duration and load.drain); shorten it, or leave it out: then the fault lasts until the end",
            format_duration(end_ms),
            format_duration(last_ms)
        );
        return table.bad("for", problem);
    }
    Some(())
}

fn check_restarts(tables: &[&Section<'_>], faults: &[Fault]) -> Read<()> {
    let kills = restarted_kills(faults);
    let mut checked = Some(());
    for ((table, fault), kill) in tables.iter().zip(faults).zip(kills) {
        if fault.action == FaultAction::Restart && kill.is_none() {
            let problem = format!(
                "restarts {:?}, but no kill of the same victim comes before it, or that kill has `for`; add the kill, or remove this fault",
                fault.victim.to_string()
            );
            checked = table.bad("kind", problem);
        }
    }
    checked
}

/// Checks that no server has two faults at a time, as far as the victims are known. A victim by role
/// is chosen among the servers without a fault when its fault begins.
fn check_overlaps(tables: &[&Section<'_>], faults: &[Fault]) -> Read<()> {
    let ends_ms = planned_ends_ms(faults);
    let begins = |index: usize| (faults[index].at_ms, index);
    let is_fault = |index: &usize| faults[*index].action != FaultAction::Restart;
    let mut checked = Some(());
    for later in (0..faults.len()).filter(is_fault) {
        let earlier = (0..faults.len()).filter(is_fault).find(|earlier| {
            begins(*earlier) < begins(later)
                && ends_ms[*earlier].is_none_or(|end_ms| end_ms > faults[later].at_ms)
                && share_a_server(faults[*earlier].victim, faults[later].victim)
        });
        if let Some(earlier) = earlier {
            let first = &faults[earlier];
            let until =
                ends_ms[earlier].map_or_else(|| "the end of the run".to_owned(), format_duration);
            let problem = format!(
                "is {}, but the fault that begins at {} ({} of {:?}) lasts until {until} and affects the same server; move one of them, or give the earlier one `for`",
                format_duration(faults[later].at_ms),
                format_duration(first.at_ms),
                first.action.name(),
                first.victim.to_string(),
            );
            checked = tables[later].bad("at", problem);
        }
    }
    checked
}

fn share_a_server(one: Victim, other: Victim) -> bool {
    matches!(one, Victim::All) || matches!(other, Victim::All) || {
        matches!((one, other), (Victim::Server(a), Victim::Server(b)) if a == b)
    }
}
