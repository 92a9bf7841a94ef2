use futures::FutureExt as _;
use proptest::prelude::*;

use super::*;

/// A claim that entered and, where it waits, the end of its wait.
struct Entered {
    claim: Option<KeyGuard>,
    turn: Option<oneshot::Receiver<()>>,
    granted: bool,
}

impl Entered {
    fn is_granted(&mut self) -> bool {
        self.granted |= match &mut self.turn {
            None => true,
            Some(turn) => matches!(turn.try_recv(), Ok(Some(()))),
        };
        self.granted
    }
}

fn enter(order: &Arc<KeyLocks>, keys: Keys, access: Access) -> Entered {
    let (claim, turn) = order.enter(keys, access);
    Entered { claim: Some(claim), turn, granted: false }
}

#[test]
fn writes_of_one_key_come_one_after_the_other_in_the_order_of_their_first_poll() {
    let order = Arc::new(KeyLocks::default());
    let claim = |key: &[u8]| order.claim(order.one(key), Access::Write);
    let first = claim(b"\x15k").now_or_never().unwrap();
    let mut second = Box::pin(claim(b"\x15k"));
    let mut third = Box::pin(claim(b"\x15k"));
    assert!((&mut second).now_or_never().is_none());
    assert!((&mut third).now_or_never().is_none());
    assert!(claim(b"\x15other").now_or_never().is_some());
    drop(first);
    assert!((&mut third).now_or_never().is_none());
    drop((&mut second).now_or_never().unwrap());
    third.now_or_never().unwrap();
}

#[test]
fn a_decorated_key_is_the_same_key() {
    let order = Arc::new(KeyLocks::default());
    let _plain = order.claim(order.one(b"\x15\x41\x05"), Access::Write).now_or_never().unwrap();
    let decorated = b"\x0D\xC2\xC9\xA1\xCA\x0F\x15\x41\x05";
    assert!(order.claim(order.one(decorated), Access::Write).now_or_never().is_none());
}

#[test]
fn a_waiting_call_that_leaves_does_not_let_those_behind_it_pass_those_before_it() {
    let order = Arc::new(KeyLocks::default());
    let first = order.claim(order.one(b"k"), Access::Write).now_or_never().unwrap();
    let second = enter(&order, order.one(b"k"), Access::Write);
    let mut third = enter(&order, order.one(b"k"), Access::Write);
    drop(second);
    assert!(!third.is_granted());
    drop(first);
    assert!(third.is_granted());
}

#[test]
fn nothing_is_kept_of_claims_that_are_over() {
    let order = Arc::new(KeyLocks::default());
    for _ in 0..3 {
        let batch = Arc::new(Entries::from_keys((0u32..1000).map(u32::to_be_bytes)));
        let first = enter(&order, Keys::Batch(batch.clone()), Access::Write);
        let second = enter(&order, Keys::Batch(batch.clone()), Access::Read);
        let third = enter(&order, Keys::All, Access::Write);
        drop((second, third, first));
    }
    let claims = order.claims.lock();
    assert!(claims.pending.is_empty() && claims.writers.is_empty() && claims.readers.is_empty());
    assert_eq!((claims.all, claims.alone), (None, None));
}

#[derive(Debug, Clone)]
enum Step {
    Enter(Vec<u8>, bool),
    EnterAll,
    /// The claim at this place, counted around.
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let keys = prop_oneof![
        3 => prop::collection::vec(0u8..6, 1),
        2 => prop::collection::vec(0u8..6, 2..5),
    ];
    let step = prop_oneof![
        6 => (keys, any::<bool>()).prop_map(|(keys, writes)| Step::Enter(keys, writes)),
        1 => Just(Step::EnterAll),
        5 => any::<usize>().prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a claim holds against younger ones: its keys, `None` for all, and whether it writes.
type Held = (Option<Vec<u8>>, bool);

fn conflict((keys, writes): &Held, (others, other_writes): &Held) -> bool {
    let meet = match (keys, others) {
        (Some(keys), Some(others)) => keys.iter().any(|key| others.contains(key)),
        _ => true,
    };
    meet && (*writes || *other_writes)
}

proptest! {
    #[test]
    fn a_claim_waits_for_exactly_the_older_ones_that_stand_against_it(steps in steps()) {
        let order = Arc::new(KeyLocks::default());
        // By age; those that left while they waited stay until it would have been their turn.
        let mut model: Vec<(Held, Entered)> = Vec::new();
        for step in steps {
            match step {
                Step::Enter(mut keys, writes) => {
                    keys.sort_unstable();
                    keys.dedup();
                    let access = if writes { Access::Write } else { Access::Read };
                    let of_order = match keys.as_slice() {
                        [key] => order.one(&[*key]),
                        keys => Keys::Batch(Arc::new(Entries::from_keys(keys.iter().map(|key| [*key])))),
                    };
                    model.push(((Some(keys), writes), enter(&order, of_order, access)));
                }
                Step::EnterAll => model.push(((None, true), enter(&order, Keys::All, Access::Write))),
                Step::Leave(at) if !model.is_empty() => {
                    let at = at % model.len();
                    model[at].1.claim = None;
                }
                Step::Leave(_) => {}
            }
            let free = |model: &[(Held, Entered)], at: usize| {
                !model[..at].iter().any(|(older, _)| conflict(older, &model[at].0))
            };
            while let Some(over) = (0..model.len()).find(|at| model[*at].1.claim.is_none() && free(&model, *at)) {
                model.remove(over);
            }
            for at in 0..model.len() {
                let expected = free(&model, at);
                let entered = &mut model[at].1;
                if entered.claim.is_some() {
                    prop_assert_eq!(entered.is_granted(), expected);
                }
            }
        }
        model.clear();
        prop_assert!(order.claims.lock().pending.is_empty());
        let claims = order.claims.lock();
        prop_assert!(claims.writers.is_empty() && claims.readers.is_empty());
    }
}
