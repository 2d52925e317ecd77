//! Encodes the live figures as Prometheus metrics.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder,
    NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::cli::live::failures_by_name;
use crate::load::{Phase, Progress};
use crate::measure::OpCounts;

/// The phases and their labels.
const PHASES: [(Phase, &str); 6] = [
    (Phase::Prepare, "prepare"),
    (Phase::WarmUp, "warm_up"),
    (Phase::Measure, "measure"),
    (Phase::Drain, "drain"),
    (Phase::Verify, "verify"),
    (Phase::CleanUp, "clean_up"),
];

/// The latest figures of a run.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// Number of the run, from 1. 0 outside of a run.
    pub(super) run: u32,
    /// Total number of runs.
    pub(super) runs: u32,
    pub(super) progress: Progress,
}

/// The latest figures. `None` before the first.
pub(super) type Shared = Arc<Mutex<Option<Figures>>>;

/// Encodes the latest figures at every request.
#[derive(Debug)]
pub(super) struct FigureCollector(pub(super) Shared);

impl Collector for FigureCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut families = Families { encoder };
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        families.gauge(
            "quorate_build_info",
            "The version of Quorate, as a label.",
            None,
            [(build, 1_u64)],
        )?;
        match figures {
            Some(figures) => families.all(&figures),
            None => Ok(()),
        }
    }
}

struct Families<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Families<'_> {
    fn all(&mut self, figures: &Figures) -> Result<(), fmt::Error> {
        self.run(figures)?;
        self.phase(&figures.progress)?;
        if !figures.progress.ops.is_empty() {
            self.load(&figures.progress)?;
            self.ops(&figures.progress)?;
            self.servers(&figures.progress)?;
        }
        Ok(())
    }

    fn run(&mut self, figures: &Figures) -> Result<(), fmt::Error> {
        self.gauge(
            "quorate_run",
            "Number of the run, from 1; 0 outside a run.",
            None,
            [(NO_LABELS, u64::from(figures.run))],
        )?;
        self.gauge(
            "quorate_runs",
            "Total number of runs.",
            None,
            [(NO_LABELS, u64::from(figures.runs))],
        )
    }

    fn phase(&mut self, progress: &Progress) -> Result<(), fmt::Error> {
        self.gauge(
            "quorate_phase",
            "1 for the current phase, 0 for the others.",
            None,
            PHASES.map(|(phase, label)| ([("phase", label)], u64::from(phase == progress.phase))),
        )?;
        self.gauge(
            "quorate_phase_elapsed",
            "Time since the start of the phase.",
            Some(&Unit::Seconds),
            [(NO_LABELS, progress.elapsed.as_secs_f64())],
        )?;
        self.gauge(
            "quorate_phase_planned",
            "Planned length of the phase; 0 if its length is not planned.",
            Some(&Unit::Seconds),
            [(NO_LABELS, progress.total.as_secs_f64())],
        )
    }

    fn load(&mut self, progress: &Progress) -> Result<(), fmt::Error> {
        self.gauge(
            "quorate_in_flight",
            "Operations sent and not yet answered.",
            None,
            [(NO_LABELS, progress.in_flight)],
        )?;
        self.gauge(
            "quorate_waiting",
            "Operations that are due but not sent, because the in-flight cap is reached or there is no connection.",
            None,
            [(NO_LABELS, progress.waiting)],
        )?;
        self.gauge(
            "quorate_sessions",
            "Sessions of the workload.",
            None,
            [(NO_LABELS, u64::from(progress.sessions))],
        )?;
        self.gauge(
            "quorate_sessions_connected",
            "Sessions with a connection.",
            None,
            [(NO_LABELS, u64::from(progress.sessions_connected))],
        )?;
        let failures = failures_by_name(&progress.counts());
        self.counter(
            "quorate_errors",
            "Operations that were not acknowledged, by the name of the error.",
            failures.iter().map(|(name, count)| {
                let name = name.replace(' ', "_");
                ([("error", name)], *count)
            }),
        )
    }

    fn ops(&mut self, progress: &Progress) -> Result<(), fmt::Error> {
        let ops = &progress.ops;
        self.counter(
            "quorate_operations",
            "Operations that ended, warm-up included.",
            ops.iter().flat_map(|op| {
                outcomes(&op.counts).map(|(outcome, count)| {
                    let labels = [("op", op.label.as_str()), ("outcome", outcome)];
                    (labels, count)
                })
            }),
        )?;
        self.gauge(
            "quorate_throughput_per_second",
            "Operations acknowledged per second in the latest interval.",
            None,
            ops.iter()
                .map(|op| ([("op", op.label.as_str())], op.throughput_per_s)),
        )?;
        self.gauge(
            "quorate_response",
            "Response time in the last complete interval.",
            Some(&Unit::Seconds),
            ops.iter().flat_map(|op| {
                [("0.5", op.p50_us), ("0.99", op.p99_us)]
                    .into_iter()
                    .filter_map(|(quantile, us)| {
                        let labels = [("op", op.label.as_str()), ("quantile", quantile)];
                        Some((labels, us? / 1e6))
                    })
            }),
        )
    }

    fn servers(&mut self, progress: &Progress) -> Result<(), fmt::Error> {
        let servers = &progress.servers;
        self.counter(
            "quorate_server_operations",
            "Operations that a server acknowledged, warm-up included.",
            servers
                .iter()
                .map(|server| ([("server", server.name.as_str())], server.acknowledged)),
        )?;
        self.gauge(
            "quorate_server_throughput_per_second",
            "Operations that a server acknowledged per second in the latest interval.",
            None,
            servers
                .iter()
                .map(|server| ([("server", server.name.as_str())], server.throughput_per_s)),
        )
    }

    fn gauge<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (L, V)>,
    ) -> Result<(), fmt::Error> {
        let mut family = self.family(name, help, unit, MetricType::Gauge)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Encodes a counter. The encoder appends `_total` to its name.
    fn counter<L: EncodeLabelSet, V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) -> Result<(), fmt::Error> {
        let mut family = self.family(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, V, u64>(&value, None)?;
        }
        Ok(())
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        unit: Option<&'s Unit>,
        metric_type: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.encoder
            .encode_descriptor(name, help, unit, metric_type)
    }
}

const NO_LABELS: [(&str, &str); 0] = [];

fn outcomes(counts: &OpCounts) -> [(&'static str, u64); 6] {
    [
        ("ok", counts.ok),
        ("error", counts.error_replies()),
        ("refused", counts.refused),
        ("unknown", counts.unknown),
        ("timed_out", counts.timed_out),
        ("not_sent", counts.not_sent),
    ]
}
