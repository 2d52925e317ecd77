//! Breaks sentences into lines for a terminal.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Width of a text report. It does not depend on the window, so a report is the same wherever it is
/// printed.
pub(crate) const WIDTH: usize = 80;

/// Appends `prefix` and `sentence`, broken at blanks. All lines but the first are indented by
/// `indent` columns. A word longer than a line stays whole, so that it can be copied.
pub(crate) fn wrapped(text: &mut String, prefix: &str, indent: usize, sentence: &str) {
    text.push_str(prefix);
    let mut column = prefix.chars().count();
    for (index, word) in sentence.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_are_indented_and_long_words_stay_whole() {
        let mut text = String::new();
        let long = "x".repeat(90);
        wrapped(
            &mut text,
            "found: ",
            2,
            &format!("{} b {long} c", "a".repeat(70)),
        );
        assert_eq!(
            text,
            format!("found: {} b\n  {long}\n  c\n", "a".repeat(70))
        );
    }
}
