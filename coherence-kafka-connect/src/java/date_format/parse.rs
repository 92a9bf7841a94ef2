//! From a text to the instant that it names.

use super::super::calendar::{Field, Fields};
use super::super::number::digit;
use super::{DAYS, DateFormat, ERAS, HALVES, LONG_ERAS, MONTHS, Part};

/// Names of time zones that are read, and their minutes east of Greenwich.
const ZONES: [(&str, i64); 15] = [
    ("UTC", 0),
    ("UT", 0),
    ("Coordinated Universal Time", 0),
    ("Greenwich Mean Time", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("CET", 60),
    ("CEST", 120),
    ("JST", 540),
];

impl DateFormat {
    /// Returns the instant that the beginning of `text` names, in milliseconds since the epoch; `None` where it does not
    /// match the pattern.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        let text: Vec<char> = text.chars().collect();
        let mut reading = Reading {
            text: &text,
            at: 0,
            fields: Fields::default(),
            ambiguous: false,
            century: self.century,
        };
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(literal) => reading.literal(literal)?,
                Part::Field(letter, count) => {
                    // Digits follow directly, so this number has as many as the pattern has letters.
                    let exact = parts.peek().is_some_and(|next| is_number(next));
                    reading.field(*letter, *count, exact)?;
                }
            }
        }
        let mut fields = reading.fields;
        match fields.millis() {
            Some(millis) if reading.ambiguous && millis < self.century => {
                fields.next_century();
                fields.millis()
            }
            millis => millis,
        }
    }
}

fn is_number(part: &Part) -> bool {
    match part {
        Part::Literal(_) => false,
        Part::Field('M' | 'L', count) => *count <= 2,
        Part::Field(letter, _) => !"GEazZX".contains(*letter),
    }
}

struct Reading<'t> {
    text: &'t [char],
    at: usize,
    fields: Fields,
    /// True where a year of two digits is the first of the century, and so may be the last as well.
    ambiguous: bool,
    century: i64,
}

impl Reading<'_> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        for c in literal.chars() {
            if self.text.get(self.at) != Some(&c) {
                return None;
            }
            self.at += 1;
        }
        Some(())
    }

    fn field(&mut self, letter: char, count: usize, exact: bool) -> Option<()> {
        let start = self.at;
        while matches!(self.text.get(self.at), Some(' ' | '\t')) {
            self.at += 1;
        }
        self.text.get(self.at)?;
        let end = if exact { Some(start + count) } else { None };
        match letter {
            'G' => {
                let era = self.name(start, ERAS.iter().chain(&LONG_ERAS))?;
                self.fields.set(Field::Era, era as i64 % 2);
            }
            'M' | 'L' if count > 2 => {
                let short = MONTHS.iter().map(|name| &name[..3]);
                let month = self.name(start, short.chain(MONTHS))?;
                self.fields.set(Field::Month, month as i64 % 12);
            }
            'E' => {
                let short = DAYS.iter().map(|name| &name[..3]);
                let day = self.name(start, short.chain(DAYS))?;
                self.fields.set(Field::DayOfWeek, day as i64 % 7);
            }
            'a' => {
                let half = self.name(start, HALVES)?;
                self.fields.set(Field::AmPm, half as i64);
            }
            'z' | 'Z' => self.zone(start)?,
            'X' => self.iso_zone(count)?,
            'y' | 'Y' => {
                let from = self.at;
                let year = self.number(end)?;
                let year = if count <= 2 && self.at - from == 2 { self.of_century(from, year) } else { year };
                self.fields.set(if letter == 'y' { Field::Year } else { Field::WeekYear }, year);
            }
            _ => {
                let value = self.number(end)?;
                let (field, value) = match letter {
                    'M' | 'L' => (Field::Month, value - 1),
                    'd' => (Field::DayOfMonth, value),
                    'k' => (Field::HourOfDay, if value == 24 { 0 } else { value }),
                    'H' => (Field::HourOfDay, value),
                    'h' => (Field::Hour, if value == 12 { 0 } else { value }),
                    'K' => (Field::Hour, value),
                    'm' => (Field::Minute, value),
                    's' => (Field::Second, value),
                    'S' => (Field::Millisecond, value),
                    'D' => (Field::DayOfYear, value),
                    'F' => (Field::DayOfWeekInMonth, value),
                    'w' => (Field::WeekOfYear, value),
                    'W' => (Field::WeekOfMonth, value),
                    // Monday is 1, and Sunday 7.
                    _ => (Field::DayOfWeek, value.rem_euclid(7)),
                };
                self.fields.set(field, value);
            }
        }
        Some(())
    }

    /// Reads an integer, before `end` where that is given. As in Java it is cut to 32 bits.
    fn number(&mut self, end: Option<usize>) -> Option<i64> {
        let text = match end {
            Some(end) => self.text.get(..end)?,
            None => self.text,
        };
        let negative = text.get(self.at) == Some(&'-');
        let first = self.at + usize::from(negative);
        let mut at = first;
        let mut value = 0_i128;
        while let Some(digit) = text.get(at).and_then(|&c| digit(c)) {
            value = value.saturating_mul(10).saturating_add(digit.into());
            at += 1;
        }
        if at == first {
            return None;
        }
        self.at = at;
        let value = if negative { -value } else { value };
        Some(match i64::try_from(value) {
            Ok(value) => i64::from(value as i32),
            Err(_) if negative => i32::MIN.into(),
            Err(_) => i32::MAX.into(),
        })
    }

    /// Returns the year of the current hundred years that ends in these two digits.
    fn of_century(&mut self, from: usize, year: i64) -> i64 {
        if self.text[from..self.at].iter().any(|&c| digit(c).is_none()) {
            return year;
        }
        let start = super::Instant::of(self.century).year;
        self.ambiguous = year == start % 100;
        start / 100 * 100 + year + if year < start % 100 { 100 } else { 0 }
    }

    /// Reads the longest of the names that stands at `start` in any case, and returns its number.
    fn name<N: AsRef<str>>(&mut self, start: usize, names: impl IntoIterator<Item = N>) -> Option<usize> {
        let matching = names.into_iter().enumerate().filter_map(|(number, name)| {
            let len = self.matches(start, name.as_ref())?;
            Some((len, number))
        });
        // The first of the longest.
        let (len, number) = matching.reduce(|best, other| if other.0 > best.0 { other } else { best })?;
        self.at = start + len;
        Some(number)
    }

    /// Returns the number of characters of `name`, if it stands at `start` in any case.
    fn matches(&self, start: usize, name: &str) -> Option<usize> {
        let len = name.chars().count();
        let text = self.text.get(start..start + len)?;
        text.iter().zip(name.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b)).then_some(len)
    }

    fn zone(&mut self, start: usize) -> Option<()> {
        if let Some(sign) = self.sign() {
            return self.offset(sign, 0, false);
        }
        if let Some(len) = self.matches(start, "GMT") {
            self.at = start + len;
            return match self.sign() {
                Some(sign) => self.offset(sign, 0, true),
                None => {
                    self.fields.set(Field::ZoneOffset, 0);
                    Some(())
                }
            };
        }
        let number = self.name(self.at, ZONES.iter().map(|(name, _)| name))?;
        self.fields.set(Field::ZoneOffset, ZONES[number].1 * 60_000);
        Some(())
    }

    fn iso_zone(&mut self, count: usize) -> Option<()> {
        if self.text[self.at] == 'Z' {
            self.at += 1;
            self.fields.set(Field::ZoneOffset, 0);
            return Some(());
        }
        let sign = self.sign()?;
        self.offset(sign, count, count == 3)
    }

    fn sign(&mut self) -> Option<i64> {
        let sign = match self.text.get(self.at)? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    /// Reads hours, and minutes unless `count` is 1, with a colon between them where the pattern has one.
    fn offset(&mut self, sign: i64, count: usize, colon: bool) -> Option<()> {
        let mut hours = self.ascii_digit()?;
        match self.ascii_digit() {
            Some(digit) => hours = hours * 10 + digit,
            // Two digits are required elsewhere.
            None if count == 0 && colon => {}
            None => return None,
        }
        let mut minutes = 0;
        if count != 1 {
            if colon {
                self.literal(":")?;
            }
            minutes = self.ascii_digit()? * 10 + self.ascii_digit()?;
        }
        if hours > 23 || minutes > 59 {
            return None;
        }
        self.fields.set(Field::ZoneOffset, sign * (hours * 60 + minutes) * 60_000);
        Some(())
    }

    fn ascii_digit(&mut self) -> Option<i64> {
        let digit = self.text.get(self.at)?.to_digit(10)?;
        self.at += 1;
        Some(digit.into())
    }
}
