//! A POF value of any type, for readers without a schema.

use uuid::Uuid;

/// What a stream holds, whatever classes it was written from. Doc comments name the Java class.
#[derive(Debug, Clone, PartialEq)]
pub enum PofValue {
    /// `null`.
    Null,
    /// `Boolean`.
    Boolean(bool),
    /// `Short`.
    Int16(i16),
    /// `Integer`; a number from -1 to 22 that was written in one byte, whatever its declared width.
    Int32(i32),
    /// `Long`.
    Int64(i64),
    /// `BigInteger`.
    Int128(i128),
    /// `Float`.
    Float32(f32),
    /// `Double`; also an infinity or NaN that was written in one byte, whatever its declared width.
    Float64(f64),
    /// `RawQuad`: the bits of an IEEE 754 binary128.
    Float128(u128),
    /// `BigDecimal`: `unscaled` × 10^-`scale`.
    Decimal {
        /// Digits without the point, fewer than 39.
        unscaled: i128,
        /// Digits behind the point, -6144 to 6144.
        scale: i32,
    },
    /// `Byte`, whose sign is the highest bit.
    Octet(u8),
    /// `com.tangosol.util.Binary`.
    OctetString(Vec<u8>),
    /// `Character`: one UTF-16 unit, so it may be half of a pair.
    Char(u16),
    /// `String`. Unpaired surrogates, which UTF-8 cannot hold, are U+FFFD.
    String(String),
    /// `LocalDate`, `java.sql.Date`.
    Date(Date),
    /// `LocalTime`, `OffsetTime`, `java.sql.Time`.
    Time(Time),
    /// `LocalDateTime`, `OffsetDateTime`, `ZonedDateTime`, `java.util.Date`, `Timestamp`.
    DateTime(Date, Time),
    /// `RawYearMonthInterval`.
    YearMonthInterval {
        /// Years.
        years: i32,
        /// Months.
        months: i32,
    },
    /// `RawTimeInterval`.
    TimeInterval {
        /// Hours.
        hours: i32,
        /// Minutes.
        minutes: i32,
        /// Seconds.
        seconds: i32,
        /// Nanoseconds.
        nanos: i32,
    },
    /// `RawDayTimeInterval`.
    DayTimeInterval {
        /// Days.
        days: i32,
        /// Hours.
        hours: i32,
        /// Minutes.
        minutes: i32,
        /// Seconds.
        seconds: i32,
        /// Nanoseconds.
        nanos: i32,
    },
    /// `Collection`; lists, sets and the empty container written in one byte, which may have been a map.
    Collection(Vec<PofValue>),
    /// `Object[]`.
    Array(Vec<PofValue>),
    /// `boolean[]`.
    BooleanArray(Vec<bool>),
    /// `byte[]`.
    ByteArray(Vec<u8>),
    /// `char[]`: UTF-16 units.
    CharArray(Vec<u16>),
    /// `short[]`.
    Int16Array(Vec<i16>),
    /// `int[]`.
    Int32Array(Vec<i32>),
    /// `long[]`.
    Int64Array(Vec<i64>),
    /// `float[]`.
    Float32Array(Vec<f32>),
    /// `double[]`.
    Float64Array(Vec<f64>),
    /// `com.tangosol.util.LongArray`.
    SparseArray {
        /// One more than the highest index there may be.
        size: u32,
        /// Index and element, in rising order of index.
        elements: Vec<(u32, PofValue)>,
    },
    /// `Map`, in the order written. A key may occur twice: the last one counts.
    Map(Vec<(PofValue, PofValue)>),
    /// An object of a registered class.
    User {
        /// The number of its class in the grid's POF configuration.
        type_id: u32,
        /// Version of the data.
        version: u32,
        /// Index and value, in rising order of index. A missing property has its type's default.
        properties: Vec<(u32, PofValue)>,
    },
}

/// `java.util.UUID`, which Coherence 24.09 and later registers by itself.
pub(super) const UUID: u32 = 909;

impl PofValue {
    /// Returns a `java.util.UUID`. Its halves, the low one first, are 0 where they are missing.
    pub fn uuid(&self) -> Option<Uuid> {
        let PofValue::User { type_id: UUID, properties, .. } = self else { return None };
        let half = |index| match properties.iter().find(|(i, _)| *i == index) {
            Some((_, PofValue::Int64(half))) => *half as u64,
            Some((_, PofValue::Int32(half))) => i64::from(*half) as u64,
            _ => 0,
        };
        Some(Uuid::from_u64_pair(half(1), half(0)))
    }

    /// Returns a `java.util.UUID` as Java writes it.
    pub fn from_uuid(uuid: Uuid) -> Self {
        let (high, low) = uuid.as_u64_pair();
        let properties = vec![(0, PofValue::Int64(low as i64)), (1, PofValue::Int64(high as i64))];
        PofValue::User { type_id: UUID, version: 0, properties }
    }
}

/// A date of the proleptic ISO calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Year; 0 is 1 BC.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Nanosecond, 0 to 999 999 999.
    pub nano: u32,
    /// Zone, if the time has one.
    pub zone: Option<Zone>,
}

/// The zone of a time: only its distance from UTC is on the wire, never a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// UTC.
    Utc,
    /// Minutes east of UTC. Java loses the sign of offsets between -59 and -1 when it writes them.
    Offset(i16),
}
