//! Tests ensembles of Apache ZooKeeper behind proxies.

use quorate::target::Software;

use super::partitions;
use super::peers::installations;

#[test]
fn a_leader_that_is_cut_off_stops_serving_and_rejoins() {
    for installation in installations() {
        partitions::a_leader_that_is_cut_off_stops_serving_and_rejoins(&Software::Java(
            installation,
        ));
    }
}

#[test]
fn a_leader_that_is_not_heard_is_replaced() {
    for installation in installations() {
        partitions::a_leader_that_is_not_heard_is_replaced(&Software::Java(installation));
    }
}
