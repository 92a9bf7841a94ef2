//! What an observer may do.

use std::sync::{Weak, mpsc};

use super::*;

#[test]
fn an_observer_that_panics_harms_no_other_entry() {
    struct Panics(AtomicUsize);
    impl StoreObserver for Panics {
        fn on_next(&self, _: BinaryEntry) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("a test");
        }
        fn on_error(&self, _: BinaryEntry, _: StoreError) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("a test");
        }
    }
    let mock = mock();
    let store = store(&mock.servers(), &[]);
    let panics = Arc::new(Panics(AtomicUsize::new(0)));
    let observer: Arc<dyn StoreObserver> = panics.clone();
    store.store_all((0..10).map(|n| entry(n, "a")).collect(), &observer);
    store.load(removed(1), &observer);
    wait(store.flush());
    assert_eq!(panics.0.load(Ordering::Relaxed), 11);
    assert_eq!(store.stats().in_flight, 0);
}

#[test]
fn an_observer_is_let_go_with_its_last_entry_and_may_ask_the_store_even_then() {
    struct Asks(Weak<KafkaEntryStore>, mpsc::Sender<usize>);
    impl StoreObserver for Asks {
        fn on_next(&self, _: BinaryEntry) {}
        fn on_error(&self, _: BinaryEntry, _: StoreError) {}
    }
    impl Drop for Asks {
        fn drop(&mut self) {
            let bytes = self.0.upgrade().map(|store| store.producer().bytes_in_flight());
            self.1.send(bytes.unwrap_or_default()).unwrap();
        }
    }
    let mock = mock();
    let store = Arc::new(store(&mock.servers(), &[]));
    let (sender, asked) = mpsc::channel();
    let observer: Arc<dyn StoreObserver> = Arc::new(Asks(Arc::downgrade(&store), sender));
    store.store_all((0..10).map(|n| entry(n, "a")).collect(), &observer);
    store.store(entry(10, "a"), &observer);
    drop(observer);
    let answer = asked.recv_timeout(SOON);
    if answer.is_err() {
        // Whoever holds the lock holds it for ever, and a drop would wait for it.
        std::mem::forget(store);
    }
    answer.unwrap();
}

#[test]
fn an_observer_may_call_the_store() {
    struct Again(Mutex<Option<Arc<KafkaEntryStore>>>, Arc<dyn StoreObserver>);
    impl StoreObserver for Again {
        fn on_next(&self, entry: BinaryEntry) {
            if let Some(store) = self.0.lock().take() {
                store.erase(entry, &self.1);
                assert!(store.room().now_or_never().is_some());
            }
        }
        fn on_error(&self, _: BinaryEntry, error: StoreError) {
            panic!("{error}");
        }
    }
    let mock = mock();
    let store = Arc::new(store(&mock.servers(), &[]));
    let (seen, inner) = Seen::new();
    let observer: Arc<dyn StoreObserver> = Arc::new(Again(Mutex::new(Some(store.clone())), inner));
    store.store(entry(1, "a"), &observer);
    assert!(seen.wait_for(1)[0].1.is_ok());
}
