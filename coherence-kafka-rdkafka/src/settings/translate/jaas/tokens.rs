//! `java.io.StreamTokenizer`, as Kafka's `JaasConfig` sets it up: comments of both kinds, and `-`, `_`, `$` in words.

use std::iter::Peekable;
use std::str::Chars;

/// What Java's tokenizer returns. Without `Debug`: it may be a password.
#[expect(missing_debug_implementations, reason = "a text may be a password")]
#[derive(PartialEq, Eq)]
pub enum Token {
    /// A word or a quoted text.
    Text(String),
    /// Something that begins as a number; Java keeps no text of it.
    Number,
    /// Any other character.
    Mark(char),
}

impl Token {
    /// Returns the text of a word or a quoted text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Token::Text(text) => Some(text),
            Token::Number | Token::Mark(_) => None,
        }
    }
}

/// Returns the tokens of a configuration.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '\0'..=' ' => {}
            '0'..='9' | '.' | '-' => tokens.push(number(c, &mut chars)),
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| is_word(*c) || matches!(c, '0'..='9' | '.')) {
                    word.push(c);
                }
                tokens.push(Token::Text(word));
            }
            '"' | '\'' => tokens.push(Token::Text(quoted(c, &mut chars))),
            '/' if chars.next_if_eq(&'*').is_some() => {
                let mut before = ' ';
                while let Some(c) = chars.next()
                    && (before, c) != ('*', '/')
                {
                    before = c;
                }
            }
            // One slash is enough for a comment, since Java's default is not taken back.
            '/' => while chars.next_if(|c| !matches!(c, '\n' | '\r')).is_some() {},
            other => tokens.push(Token::Mark(other)),
        }
    }
    tokens
}

fn is_word(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '-' | '_' | '$' | '\u{A0}'..)
}

fn number(first: char, chars: &mut Peekable<Chars<'_>>) -> Token {
    if first == '-' && !chars.peek().is_some_and(|c| matches!(c, '0'..='9' | '.')) {
        return Token::Mark(first);
    }
    let mut point = first == '.';
    while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || (*c == '.' && !point)) {
        point |= c == '.';
    }
    Token::Number
}

/// The text up to the closing quote, or up to the end of the line: Java ends it there, too.
fn quoted(quote: char, chars: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next_if(|c| !matches!(c, '\n' | '\r')) {
        match c {
            c if c == quote => break,
            '\\' => text.extend(escaped(chars)),
            c => text.push(c),
        }
    }
    text
}

/// What stands behind a backslash; a line end there belongs to the text.
fn escaped(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let digit = |c: char| c.to_digit(8);
    Some(match chars.next()? {
        first @ '0'..='7' => {
            let mut code = digit(first)?;
            // Three digits at most, and no more than \377.
            let more = if first <= '3' { 2 } else { 1 };
            for _ in 0..more {
                let Some(next) = chars.next_if(|c| digit(*c).is_some()) else { break };
                code = code * 8 + digit(next)?;
            }
            char::from_u32(code)?
        }
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{B}',
        other => other,
    })
}
