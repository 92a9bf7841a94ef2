//! The failure of a converter or a transform, in Connect's words.

use std::borrow::Cow;

/// The Java exception that Connect would have thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// The data is not what the converter or the transform takes.
    Data,
    /// A schema cannot be.
    SchemaBuilder,
    /// A peer is unavailable: the same record can be converted later.
    Retriable,
    /// Connect itself cannot go on with the record.
    Connect,
    /// An object is not of the class that the code takes it for.
    ClassCast,
    /// An argument cannot be, such as the name of a field that does not exist.
    IllegalArgument,
    /// A group that an expression does not have.
    IndexOutOfBounds,
    /// A null where the code expects an object.
    NullPointer,
}

impl Exception {
    /// Returns the full name of the Java class.
    pub fn class_name(self) -> &'static str {
        match self {
            Exception::Data => "org.apache.kafka.connect.errors.DataException",
            Exception::SchemaBuilder => "org.apache.kafka.connect.errors.SchemaBuilderException",
            Exception::Retriable => "org.apache.kafka.connect.errors.RetriableException",
            Exception::Connect => "org.apache.kafka.connect.errors.ConnectException",
            Exception::ClassCast => "java.lang.ClassCastException",
            Exception::IllegalArgument => "java.lang.IllegalArgumentException",
            Exception::IndexOutOfBounds => "java.lang.IndexOutOfBoundsException",
            Exception::NullPointer => "java.lang.NullPointerException",
        }
    }
}

/// Why a record could not be converted or transformed. It holds nothing of the record's data: at most names out of a
/// schema.
///
/// Its text is Connect's message, so that users of Connect recognise the error, followed by details that Connect does
/// not report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConnectError {
    exception: Exception,
    message: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
}

impl ConnectError {
    /// Creates the error that Connect reports as this exception with this message.
    pub fn new(exception: Exception, message: impl Into<Cow<'static, str>>) -> Self {
        Self { exception, message: message.into(), detail: None }
    }

    /// Creates a `DataException`.
    pub fn data(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::Data, message)
    }

    /// Creates a `RetriableException`.
    pub fn retriable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::Retriable, message)
    }

    /// Adds a detail that Connect does not report.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Returns the exception of Connect.
    pub fn exception(&self) -> Exception {
        self.exception
    }

    /// Returns true where a peer is unavailable and the record is not at fault: the caller keeps the record and tries again.
    pub fn is_retriable(&self) -> bool {
        self.exception == Exception::Retriable
    }

    /// Returns the message of Connect's exception, without the detail that the error's text adds.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn text(&self) -> Cow<'_, str> {
        match &self.detail {
            None => Cow::Borrowed(&*self.message),
            // Some of Connect's messages end in ": " to introduce a cause.
            Some(detail) if self.message.ends_with(": ") => format!("{}{detail}", self.message).into(),
            Some(detail) => format!("{}: {detail}", self.message.trim_end_matches('.')).into(),
        }
    }
}
