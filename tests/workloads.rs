//! Tests the shipped workloads and the document that explains them.

use quorate::protocol::zookeeper::ZooKeeperVocabulary;
use quorate::protocol::{
    Shipped, VOCABULARIES, expand, find_shipped, nearest_shipped, resolve, shipped,
};
use quorate::workload::{Plan, Source, known_keys, load};

const DOCUMENT: &str = include_str!("../docs/WORKLOADS.md");

fn plans(workload: &Shipped) -> Vec<Plan> {
    let experiment =
        expand(&workload.source(), &[], None).unwrap_or_else(|error| panic!("{error}"));
    experiment.cells.into_iter().map(|cell| cell.plan).collect()
}

/// Returns the plan of a workload, or of the first cell of an experiment.
fn plan(workload: &Shipped) -> Plan {
    plans(workload).remove(0)
}

#[test]
fn every_shipped_workload_resolves_and_states_its_purpose() {
    for (workload, plan) in shipped().iter().flat_map(|workload| {
        plans(workload)
            .into_iter()
            .map(move |plan| (workload, plan))
    }) {
        assert_eq!(plan.name, workload.name.replace('/', "-"));
        assert!(
            plan.why.len() > 40 && plan.why.ends_with('.'),
            "{}: {}",
            plan.name,
            plan.why
        );
        plan.validate(&ZooKeeperVocabulary)
            .unwrap_or_else(|error| panic!("{error}"));
        let rendered = Source::from_text(workload.name, plan.render_toml(&ZooKeeperVocabulary));
        assert_eq!(resolve(&rendered, &[], None).unwrap(), plan);
    }
}

#[test]
fn the_sessions_of_shipped_workloads_are_distributed_evenly() {
    for plan in shipped().iter().flat_map(plans) {
        let servers = plan.load.attach.servers(&plan.target);
        // A single session is a load of its own.
        let sessions = plan.load.sessions;
        assert!(
            sessions == 1 || sessions % u32::from(servers) == 0,
            "{}",
            plan.name
        );
    }
}

#[test]
fn every_workload_has_a_smoke_variant_of_two_seconds() {
    for workload in shipped()
        .iter()
        .filter(|workload| !workload.name.contains('/'))
    {
        let smoke = find_shipped(&format!("smoke/{}", workload.name)).expect(workload.name);
        let (smoke, full) = (plan(smoke), plan(workload));
        assert_eq!(smoke.load.duration_ms, 2_000);
        assert!(smoke.load.warm_up_ms <= 500);
        let kinds = |plan: &Plan| {
            plan.ops
                .iter()
                .map(|op| op.kind.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            kinds(&smoke),
            kinds(&full),
            "the operations differ from those of {}",
            workload.name
        );
    }
}

#[test]
fn every_workload_file_is_shipped() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads");
    let mut files = 0;
    for folder in ["zookeeper", "smoke"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let found = find_shipped(&format!("{folder}/{stem}"));
            let found = found.unwrap_or_else(|| panic!("{} is not shipped", path.display()));
            assert_eq!(found.text, load(&path).unwrap().text);
            files += 1;
        }
    }
    assert_eq!(files, shipped().len());
}

#[test]
fn the_quickstart_is_listed_first_and_the_nearest_name_is_suggested() {
    assert_eq!(shipped()[0].name, "quickstart");
    assert_eq!(nearest_shipped("write-latncy"), Some("write-latency"));
    assert_eq!(nearest_shipped("zzz"), None);
}

#[test]
fn the_document_explains_every_key() {
    for key in known_keys(VOCABULARIES) {
        assert!(
            DOCUMENT.contains(&format!("`{key}`")),
            "docs/WORKLOADS.md lacks `{key}`"
        );
    }
}

#[test]
fn the_examples_of_the_document_resolve() {
    let mut blocks = DOCUMENT.split("```toml\n").skip(1);
    let examples = blocks
        .by_ref()
        .map(|rest| rest.split("```").next().unwrap());
    let mut whole = 0;
    for example in examples {
        // A fragment is completed with the keys that it lacks.
        let complete = example.starts_with("name =");
        let text = if complete {
            example.to_owned()
        } else {
            complete_fragment(example)
        };
        let source = Source::from_text("docs/WORKLOADS.md", text.clone());
        expand(&source, &[], None).unwrap_or_else(|error| panic!("{error}\n{text}"));
        whole += usize::from(complete);
    }
    assert!(whole >= 1, "the document has no complete example");
}

fn complete_fragment(fragment: &str) -> String {
    let mut text = "name = \"fragment\"\n".to_owned();
    if !fragment.contains("[load]") && !fragment.contains("[[load.phase]]") {
        text.push_str("[load]\nrate = 100\n");
    }
    text.push_str(fragment);
    if !fragment.contains("[[op]]") {
        text.push_str("\n[[op]]\nkind = \"get\"\n");
    }
    text
}
