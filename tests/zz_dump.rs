#[path = "golden/experiment_fixture.rs"]
mod experiment_fixture;
#[path = "golden/fixture.rs"]
mod fixture;
#[test]
fn dump() { experiment_fixture::write(std::path::Path::new("/tmp/i10r/base"), 100); experiment_fixture::write(std::path::Path::new("/tmp/i10r/cand"), 112); }
