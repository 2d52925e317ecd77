use std::sync::atomic::AtomicBool;
use std::time::Duration;
fn main() {
    let stop = AtomicBool::new(false);
    let n: usize = std::env::args().nth(1).map_or(1, |s| s.parse().unwrap());
    for _ in 0..n {
        let c = quorate::load::calibrate(&quorate::load::CalibrateOptions {
            step: Duration::from_secs(2),
            stop: &stop,
            begins: &|_| {},
        })
        .unwrap();
        println!("{}", serde_json::to_string(&c).unwrap());
    }
}
