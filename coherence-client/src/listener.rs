//! Listeners that are a closure.

use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::task::JoinHandle;

/// A running listener. It ends when this is dropped, or with the session.
#[derive(Debug)]
pub struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    /// Waits until nothing more can come: the session is closed.
    pub async fn ended(mut self) {
        let _ = (&mut self.task).await;
    }

    /// Returns whether nothing more can come.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Calls `on_notice` for each notice of a listener, one after the other, from a task of the runtime that is entered:
///
/// ```no_run
/// # async fn example(orders: coherence_client::TypedMap<String, i64>) -> Result<(), coherence_client::TypedMapError> {
/// use coherence_client::{TypedListenTo, on_notice};
///
/// let listener = on_notice(orders.listen(TypedListenTo::All, false).await?, |notice| println!("{notice:?}"));
/// # drop(listener);
/// # Ok(())
/// # }
/// ```
///
/// A closure that takes long makes the notices behind it wait, as a stream that is not polled does.
///
/// # Panics
///
/// Outside of a runtime of tokio.
pub fn on_notice<N: Send + 'static>(
    notices: BoxStream<'static, N>,
    mut on_notice: impl FnMut(N) + Send + 'static,
) -> Listener {
    let each = notices.for_each(move |notice| {
        on_notice(notice);
        futures::future::ready(())
    });
    Listener { task: tokio::spawn(each.boxed()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::channel::mpsc;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test]
    async fn the_closure_hears_everything_in_order_until_the_stream_ends() {
        let (told, mut heard) = unbounded_channel();
        let (notices, stream) = mpsc::unbounded();
        let listener = on_notice(stream.boxed(), move |number: i32| told.send(number).unwrap());
        for number in [1, 2, 3] {
            notices.unbounded_send(number).unwrap();
        }
        for number in [1, 2, 3] {
            assert_eq!(heard.recv().await, Some(number));
        }
        assert!(!listener.has_ended());
        drop(notices);
        listener.ended().await;
    }

    #[tokio::test]
    async fn a_listener_that_is_dropped_lets_its_stream_and_its_closure_go() {
        let (notices, stream) = mpsc::unbounded::<i32>();
        let (closure, held) = (Arc::new(()), ());
        let weak = Arc::downgrade(&closure);
        let listener = on_notice(stream.boxed(), move |_| {
            let _ = (&closure, held);
        });
        drop(listener);
        while weak.upgrade().is_some() || !notices.is_closed() {
            tokio::task::yield_now().await;
        }
    }
}
