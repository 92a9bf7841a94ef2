//! The findings of a program's `check`: about settings, and about the peers that they name.

use std::fmt;

/// One line for each thing that was looked at, and how the process ends.
#[derive(Debug, Default)]
pub struct Checked {
    lines: Vec<String>,
    exit_code: u8,
}

impl Checked {
    /// 0 where all is well, else as a start would have ended: the smallest code of any problem.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Something is as it should be.
    pub fn good(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("ok       {what}"));
    }

    /// Something is worth knowing, and stops nothing.
    pub fn note(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("note     {what}"));
    }

    /// A start would end with `exit_code`.
    pub fn problem(&mut self, exit_code: u8, what: impl fmt::Display) {
        self.lines.push(format!("problem  {what}"));
        self.exit_code = if self.exit_code == 0 { exit_code } else { self.exit_code.min(exit_code) };
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_first_thing_a_start_would_have_ended_with() {
        let mut checked = Checked::default();
        checked.good("settings");
        assert_eq!(checked.exit_code(), 0);
        checked.problem(3, "a map");
        checked.problem(2, "kafka");
        checked.problem(3, "another map");
        assert_eq!(checked.exit_code(), 2);
        assert_eq!(checked.to_string().lines().nth(2), Some("problem  kafka"));
    }
}
