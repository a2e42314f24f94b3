//! A screen of its own for what is refreshed: the terminal's other lines stay as they were.

/// To the alternate screen, where long lines are cut and not wrapped.
pub const ENTER: &str = "\x1b[?1049h\x1b[?7l";
/// Back, to where the command was typed.
pub const LEAVE: &str = "\x1b[?7h\x1b[?1049l";

/// What replaces the last frame, without clearing it before: that would flicker. `rows` are the
/// terminal's; what does not fit is counted.
pub fn frame(head: &str, text: &str, rows: usize) -> String {
    let lines: Vec<&str> = [head, ""].into_iter().chain(text.lines()).collect();
    let rows = rows.max(3);
    let count = if lines.len() > rows { rows - 1 } else { lines.len() };
    let mut shown: Vec<String> = lines[..count].iter().map(|line| (*line).to_owned()).collect();
    if count < lines.len() {
        shown.push(format!("... {} more lines", lines.len() - count));
    }
    // Each line clears what the last frame had behind it, the last one all below.
    format!("\x1b[H{}\x1b[K\x1b[J", shown.join("\x1b[K\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_one_before_line_by_line() {
        assert_eq!(frame("now", "a\nb", 24), "\x1b[Hnow\x1b[K\n\x1b[K\na\x1b[K\nb\x1b[K\x1b[J");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let text: String = (1..=10).map(|line| format!("{line}\n")).collect();
        let plain = |rows| frame("now", &text, rows).replace("\x1b[K", "").replace("\x1b[H", "").replace("\x1b[J", "");
        assert_eq!(plain(5), "now\n\n1\n2\n... 8 more lines");
        assert_eq!(plain(12).lines().last(), Some("10"));
        assert_eq!(plain(11).lines().last(), Some("... 2 more lines"));
        assert_eq!(plain(0), "now\n\n... 10 more lines");
    }
}
