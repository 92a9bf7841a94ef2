//! The limits of requests: what a grid accepts, and what a session keeps in flight.

/// Entries in one request. 5,000 to 10,000 cost the grid the least CPU per entry; 20,000 gain nothing, and several
/// of them side by side collapse.
pub(crate) const MAX_REQUEST_ENTRIES: usize = 10_000;

/// Encoded bytes at which a request is full: below [`MAX_MESSAGE_BYTES`] by a margin, because what lies beyond it
/// costs the whole stream. Only a single large entry makes a request larger than this.
pub(crate) const MAX_REQUEST_BYTES: usize = 3_500_000;

/// The largest request that a grid accepts (grpc-java's default inbound limit, which Coherence does not raise). A
/// larger one ends the stream with all requests on it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4_194_304;

/// Largest message taken from the grid: single entries are bounded by what it stores, not by its inbound limit.
pub(crate) const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// Requests of one session without an answer: a proxy queues requests without bound.
pub(crate) const MAX_REQUESTS_IN_FLIGHT: usize = 64;

/// Encoded bytes of the requests of one session without an answer.
pub(crate) const MAX_BYTES_IN_FLIGHT: usize = 16 << 20;

/// More than everything around the entries of a batch and their agent can take: two type URLs, ids and lengths.
pub(crate) const ENVELOPE_BYTES: usize = 512;

/// Key and value of the largest entry that surely fits into one request: the rest after the envelope and the tags and
/// lengths of the entry itself.
pub(crate) const MAX_ENTRY_BYTES: usize = MAX_MESSAGE_BYTES - ENVELOPE_BYTES - 16;
