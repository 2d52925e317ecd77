//! WHAT is asked: the workload file, the operation mix, key choice and the resolved plan. Pure.

mod plan;

pub use plan::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpKind, OpPlan, Plan, Prepare, RatePhase,
    SizeChoice, TargetShape,
};
