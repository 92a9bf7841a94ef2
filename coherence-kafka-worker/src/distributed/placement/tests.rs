use super::*;

#[test]
fn tasks_of_a_connector_are_spread_over_all_partitions() {
    let mut partitions: Vec<u32> = (0..25).map(|task| task_partition("orders", task, 25)).collect();
    assert_eq!(partitions[0], connector_partition("orders", 25));
    partitions.sort_unstable();
    assert_eq!(partitions, Vec::from_iter(0..25));
}
