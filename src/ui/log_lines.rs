//! Log lines as text and JSON.

use super::terminal::{Paint, painted};
use crate::k8s::log_order::LogLine;
use serde_json::json;

/// The source of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    pub node: String,
    /// The role at the start of the command, if known.
    pub role: Option<&'static str>,
    pub pod: String,
    pub container: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineStyle {
    pub prefix: bool,
    pub timestamps: bool,
    pub colored: bool,
}

/// With its line break.
pub fn text(writer: &Writer, line: &LogLine, style: LineStyle) -> Vec<u8> {
    let mut shown = Vec::new();
    if style.prefix {
        let role = writer.role.map(|role| format!(" {role}")).unwrap_or_default();
        let prefix = format!("[{}{role}]", writer.node);
        let prefix = if style.colored { painted(&prefix, Paint::Node(color(&writer.node))) } else { prefix };
        shown.extend_from_slice(prefix.as_bytes());
        shown.push(b' ');
    }
    if style.timestamps {
        shown.extend_from_slice(format!("{} ", line.at).as_bytes());
    }
    shown.extend_from_slice(&line.text);
    shown.push(b'\n');
    shown
}

/// With its line break. Bytes that are not UTF-8 are replaced.
pub fn json_line(writer: &Writer, line: &LogLine) -> Vec<u8> {
    let value = json!({
        "time": line.at.to_string(),
        "node": writer.node,
        "role": writer.role,
        "pod": writer.pod,
        "container": writer.container,
        "message": String::from_utf8_lossy(&line.text),
    });
    format!("{value}\n").into_bytes()
}

/// The same in every run.
fn color(node: &str) -> u8 {
    node.bytes().fold(7, |hash: u8, byte| hash.wrapping_mul(31).wrapping_add(byte)) % 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let writer = Writer { node: "a-node-101".into(), role: Some("master"), pod: "p".into(), container: "c".into() };
        let line = LogLine { at: "2026-01-02T03:04:05.5Z".parse().expect("a time"), text: b"x \xff".to_vec() };
        let style = LineStyle { prefix: true, timestamps: true, colored: false };
        assert_eq!(text(&writer, &line, style), b"[a-node-101 master] 2026-01-02T03:04:05.5Z x \xff\n");
        let json = String::from_utf8(json_line(&writer, &line)).expect("text");
        assert!(json.starts_with("{\"time\":\"2026-01-02T03:04:05.5Z\",\"node\":\"a-node-101\",\"role\":\"master\""));
    }
}
