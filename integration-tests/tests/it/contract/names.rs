//! How a session finds maps.

use coherence_kafka_common::map::{Expiry, MapError};
use integration_tests::sandbox::unique;

use super::World;

pub async fn one_name_is_one_map(world: &World) {
    let map = world.map().await;
    let again = world.session.map(map.name()).await.unwrap();
    world.put(&map, "a", "1", Expiry::Default).await;
    assert_eq!(again.name(), map.name());
    assert_eq!(world.get(&again, "a").await, world.some("1"));
}

pub async fn two_names_are_two_maps(world: &World) {
    let (one, two) = (world.map().await, world.map().await);
    world.put(&one, "a", "1", Expiry::Default).await;
    assert_eq!(world.get(&two, "a").await, None);
    two.destroy().await.unwrap();
    assert_eq!(world.get(&one, "a").await, world.some("1"));
}

pub async fn unusual_names_are_names(world: &World) {
    for base in ["with spaces", "ü", "a/b.c", "$SYS", "UPPER"] {
        let name = unique(base);
        world.session.check_map_name(&name).unwrap();
        let map = world.session.map(&name).await.unwrap();
        assert_eq!(map.name(), name);
        world.put(&map, "a", "1", Expiry::Default).await;
        assert_eq!(map.size().await, Ok(1), "{name}");
    }
}

pub async fn names_that_no_grid_bears_are_refused(world: &World) {
    for name in ["", "*", "a*", "a?b"] {
        let refused = world.session.check_map_name(name);
        assert!(matches!(refused, Err(MapError::Misuse(_))), "{name:?}: {refused:?}");
        assert!(matches!(world.session.map(name).await.err(), Some(MapError::Misuse(_))), "{name:?}");
    }
}
