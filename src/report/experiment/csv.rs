//! An experiment as CSV: one line per chart, cell, target, measure and run. A missing value has no line.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::layout::target_names;
use super::study::ExperimentReport;
use crate::result::CsvTable;

pub(crate) fn render(report: &ExperimentReport) -> String {
    let index = &report.index;
    let mut head: Vec<String> = ["experiment", "figure", "line", "cell", "target"]
        .map(str::to_owned)
        .into();
    head.extend(index.axes.iter().map(|axis| axis.key.clone()));
    head.extend(["measure", "round", "part", "value", "valid"].map(str::to_owned));
    let targets = target_names(&index.targets);
    let mut table = CsvTable::new(head);
    for chart in report.charts() {
        for (line, plan) in chart.layout.lines.iter().enumerate() {
            for (x, spot) in plan.spots.iter().enumerate() {
                let Some(spot) = spot else { continue };
                let (Some(cell), Some(target)) =
                    (index.cells.get(spot.cell), targets.get(spot.target))
                else {
                    continue;
                };
                for (measure, estimate) in chart.measures.iter().zip(&chart.estimates[line][x]) {
                    for one in &estimate.observations {
                        let mut cells = vec![
                            index.name.clone(),
                            chart.name.clone(),
                            chart.who(line),
                            cell.id.clone(),
                            target.clone(),
                        ];
                        cells.extend(cell.values.iter().cloned());
                        cells.extend([
                            measure.key(),
                            (one.round + 1).to_string(),
                            (one.part + 1).to_string(),
                            format!("{:.3}", one.value),
                            one.valid.to_string(),
                        ]);
                        table.row(cells);
                    }
                }
            }
        }
    }
    table.into_text()
}
