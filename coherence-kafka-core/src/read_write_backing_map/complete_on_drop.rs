//! A call that ends even where its caller does not wait for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::runtime::Handle;

/// Polled by its caller, and by a task once the caller drops it: a change must not stop between the store and the map,
/// or the map and the queue.
pub(super) struct CompleteOnDrop<T: Send + 'static> {
    call: Option<BoxFuture<'static, T>>,
    runtime: Handle,
}

impl<T: Send + 'static> CompleteOnDrop<T> {
    pub(super) fn new(runtime: &Handle, call: impl Future<Output = T> + Send + 'static) -> Self {
        Self { call: Some(Box::pin(call)), runtime: runtime.clone() }
    }
}

impl<T: Send + 'static> Future for CompleteOnDrop<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out meanwhile: what panics is not polled again.
        let Some(mut call) = self.call.take() else { return Poll::Pending };
        match call.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => {
                self.call = Some(call);
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> Drop for CompleteOnDrop<T> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.runtime.spawn(async move {
                call.await;
            });
        }
    }
}
