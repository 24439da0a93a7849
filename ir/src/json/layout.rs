// SPDX-License-Identifier: GPL-3.0-or-later
//! Lines of JSON for reading: what fits on a line stands on one, all else has a line for each part.

/// The longest line with more than one part, in characters.
const WIDTH: usize = 116;

/// A part of the text.
struct Node<'a> {
    /// Its name, in an object, with its quotes.
    name: Option<&'a str>,
    body: Body<'a>,
    /// How long it is on one line, its name included.
    width: usize,
}

enum Body<'a> {
    /// A text, a number or a word.
    Plain(&'a str),
    /// A list or an object, with what stands around it.
    Parts { open: &'static str, close: &'static str, parts: Vec<Node<'a>> },
}

/// The lines of JSON that has no blanks.
pub(super) fn lines(compact: &str) -> String {
    let mut lines = String::with_capacity(compact.len() * 2);
    node(&mut { compact }, None).print(0, &mut lines);
    lines.push('\n');
    lines
}

/// Takes the first `length` bytes of the rest.
fn take<'a>(rest: &mut &'a str, length: usize) -> &'a str {
    let (taken, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
    *rest = behind;
    taken
}

/// Takes a text with its quotes, or what ends before the next sign of JSON.
fn plain<'a>(rest: &mut &'a str) -> &'a str {
    let mut escaped = true;
    let end = if rest.starts_with('"') {
        // The first quote opens the text.
        rest.bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = !escaped && byte == b'\\';
            closes
        })
    } else {
        rest.bytes().position(|byte| matches!(byte, b',' | b']' | b'}')).and_then(|end| end.checked_sub(1))
    };
    take(rest, end.map_or(rest.len(), |end| end + 1))
}

fn node<'a>(rest: &mut &'a str, name: Option<&'a str>) -> Node<'a> {
    let (open, close) = match rest.bytes().next() {
        Some(b'{') => ("{", "}"),
        Some(b'[') => ("[", "]"),
        _ => return Node::new(name, Body::Plain(plain(rest))),
    };
    take(rest, 1);
    let mut parts = Vec::new();
    while !rest.is_empty() && !rest.starts_with(close) {
        let name = (open == "{").then(|| plain(rest));
        if rest.starts_with(':') {
            take(rest, 1);
        }
        parts.push(node(rest, name));
        if rest.starts_with(',') {
            take(rest, 1);
        }
    }
    take(rest, 1);
    Node::new(name, Body::Parts { open, close, parts })
}

impl<'a> Node<'a> {
    fn new(name: Option<&'a str>, body: Body<'a>) -> Self {
        let inner = match &body {
            Body::Plain(text) => text.chars().count(),
            Body::Parts { parts, .. } if parts.is_empty() => 2,
            Body::Parts { open, parts, .. } => {
                let around = if *open == "{" { 4 } else { 2 };
                parts.iter().map(|part| part.width + 2).sum::<usize>() + around - 2
            }
        };
        Self { name, body, width: name.map_or(0, |name| name.chars().count() + 2) + inner }
    }

    fn print(&self, indent: usize, lines: &mut String) {
        if let Some(name) = self.name {
            lines.push_str(name);
            lines.push_str(": ");
        }
        match &self.body {
            Body::Plain(text) => lines.push_str(text),
            Body::Parts { open, close, parts } => {
                let fits = indent + self.width < WIDTH || parts.is_empty();
                let edge = match (fits, *open) {
                    (true, "{") if !parts.is_empty() => Some(" "),
                    (true, _) => Some(""),
                    (false, _) => None,
                };
                lines.push_str(open);
                for (place, part) in parts.iter().enumerate() {
                    match edge {
                        Some(edge) if place == 0 => lines.push_str(edge),
                        Some(_) => lines.push_str(", "),
                        None => {
                            lines.push_str(if place == 0 { "\n" } else { ",\n" });
                            lines.extend(std::iter::repeat_n(' ', indent + 2));
                        }
                    }
                    part.print(indent + 2, lines);
                }
                match edge {
                    Some(edge) => lines.push_str(edge),
                    None => {
                        lines.push('\n');
                        lines.extend(std::iter::repeat_n(' ', indent));
                    }
                }
                lines.push_str(close);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_parts_stand_on_one_line() {
        let text = r#"{"a":[],"b":{},"c":[1,-2.5e3,null,"x, \"y\" ]\\"]}"#;
        assert_eq!(lines(text), "{ \"a\": [], \"b\": {}, \"c\": [1, -2.5e3, null, \"x, \\\"y\\\" ]\\\\\"] }\n");
    }

    #[test]
    fn long_parts_have_a_line_for_each() {
        let word = "w".repeat(60);
        let text = format!(r#"{{"a":["{word}","{word}"],"b":1}}"#);
        let expected = format!("{{\n  \"a\": [\n    \"{word}\",\n    \"{word}\"\n  ],\n  \"b\": 1\n}}\n");
        assert_eq!(lines(&text), expected);
    }

    #[test]
    fn the_meaning_stays() {
        let value = serde_json::json!({
            "list": (0..200).collect::<Vec<_>>(),
            "deep": { "x": [[{ "y": "ü\u{0} \\\" , }" }], "z".repeat(99)] },
        });
        let text = lines(&value.to_string());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
