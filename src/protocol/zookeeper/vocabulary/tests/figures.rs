//! The `[[figure]]` tables.

use super::{HEAD, SET, assert_refused, experiment};
use crate::workload::{FigureKind, FigurePlan};

fn text(figures: &str) -> String {
    format!(
        "{HEAD}{SET}[target]\nvoters = [3, 5]\n[[case]]\nname = \"a\"\n[[case]]\nname = \"b\"\nset = {{ \"load.sessions\" = 1 }}\n{figures}"
    )
}

#[test]
fn figures_name_axes_targets_and_the_offered_rate() {
    let figures = "[[figure]]\nkind = \"response\"\nx = \"target.voters\"\nseries = \"target\"\nonly = { case = \"a\" }\ntitle = \"T\"\n\
        [[figure]]\nkind = \"curve\"\nseries = \"target.voters\"\n[[figure]]\nkind = \"failover\"\n";
    let figures = experiment(&text(figures), &[]).figures;
    let first = FigurePlan {
        kind: FigureKind::Response,
        x: "target.voters".to_owned(),
        series: Some("target".to_owned()),
        only: [("case".to_owned(), "a".to_owned())].into(),
        title: Some("T".to_owned()),
    };
    assert_eq!(figures[0], first);
    let axes: Vec<&str> = figures[1..]
        .iter()
        .map(|figure| figure.x.as_str())
        .collect();
    assert_eq!(axes, [FigurePlan::OFFERED, FigurePlan::TARGET]);
}

#[test]
fn a_figure_along_an_axis_that_the_command_line_removed_is_left_out() {
    let figures = "[[figure]]\nkind = \"response\"\nx = \"target.voters\"\n\
        [[figure]]\nkind = \"response\"\nx = \"case\"\nseries = \"target.voters\"\n\
        [[figure]]\nkind = \"throughput\"\nx = \"target\"\nonly = { \"target.voters\" = 3, case = \"a\" }\n";
    let kept = |overrides: &[&str]| -> Vec<(FigureKind, bool, usize)> {
        experiment(&text(figures), overrides)
            .figures
            .iter()
            .map(|figure| (figure.kind, figure.series.is_some(), figure.only.len()))
            .collect()
    };
    use FigureKind::{Response, Throughput};
    assert_eq!(
        kept(&["target.voters=3"]),
        [(Response, false, 0), (Throughput, false, 1)]
    );
    assert_eq!(kept(&["target.voters=5"]), [(Response, false, 0)]);
    let five = [(Response, false, 0), (Response, true, 0)];
    assert_eq!(kept(&["target.voters=[5,7]"]), five);
    assert_eq!(kept(&["case=b"]), five);
}

#[test]
fn a_mistake_in_a_figure_names_its_line_and_the_axes() {
    for (figure, expected) in [
        (
            "kind = \"pie\"\n",
            "w.toml:19: `figure.0.kind` is \"pie\"; it must be one of response, curve, throughput, failover",
        ),
        (
            "kind = \"response\"\n",
            "w.toml:18: this figure has no `x`; add x = \"KEY\" with one of case, target.voters, target",
        ),
        (
            "kind = \"response\"\nx = \"target.voter\"\n",
            "w.toml:20: `figure.0.x` names \"target.voter\", which is no axis; an axis is a key that holds a list, and this file has case, target.voters, target; did you mean \"target.voters\"?",
        ),
        (
            "kind = \"response\"\nx = \"offered\"\n",
            "w.toml:20: `figure.0.x` is \"offered\", which only a figure of the kind \"curve\" can have; name an axis",
        ),
        (
            "kind = \"response\"\nx = \"case\"\nseries = \"case\"\n",
            "w.toml:21: `figure.0.series` is \"case\", like `x`; name another axis or remove it",
        ),
        (
            "kind = \"response\"\nx = \"case\"\nonly = { \"target.voters\" = 4 }\n",
            "w.toml:21: `figure.0.only` selects target.voters = \"4\", but the values of `target.voters` are 3, 5",
        ),
    ] {
        assert_refused(&text(&format!("[[figure]]\n{figure}")), &[], expected);
    }
}
