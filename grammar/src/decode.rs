// SPDX-License-Identifier: GPL-3.0-or-later
//! From the bytes of a file to text that can be parsed.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Files over this many bytes are refused.
pub const MAX_BYTES: usize = 4 << 20;

/// The bytes that some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of a policy file. LF and CRLF end lines alike.
///
/// # Errors
///
/// One finding if the bytes are more than [`MAX_BYTES`], start with a byte-order mark, are not UTF-8, or hold a control
/// character other than tab and line ends. Its span is empty and points before the first byte that is wrong, so that it
/// can also be shown in a lossy rendering of the bytes.
pub fn decode(bytes: &[u8]) -> Result<&str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that a policy may have", bytes.len());
        return Err(Diagnostic::new(Code::TooLarge, Span::default(), message)
            .help("is it a policy at all? networks of many addresses can be written as prefixes or ranges"));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err(Diagnostic::new(Code::ByteOrderMark, Span::default(), "the file starts with a byte-order mark")
            .help("save it as UTF-8 without a byte-order mark (some editors call that `UTF-8` as opposed to `UTF-8 with BOM`)"));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(Diagnostic::new(Code::NotText, Span::default(), "the file is UTF-16 text")
            .help("save it as UTF-8 without a byte-order mark"));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        Diagnostic::new(Code::NotText, Span::new(at, at), format!("byte {at} of the file, 0x{byte:02x}, is not UTF-8"))
            .help("save the file as UTF-8")
    })?;
    match text.char_indices().find(|(_, char)| char.is_ascii_control() && !matches!(char, '\t' | '\n' | '\r')) {
        None => Ok(text),
        Some((at, char)) => {
            let message = format!("byte {at} of the file is the control character U+{:04X}", u32::from(char));
            Err(Diagnostic::new(Code::NotText, Span::new(at, at), message)
                .help("a policy is plain text; if this is one, remove the character"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_and_place(bytes: &[u8]) -> (Code, usize) {
        let finding = decode(bytes).unwrap_err();
        (finding.code, finding.span.start)
    }

    #[test]
    fn text_of_either_line_end_is_text() {
        assert_eq!(decode("allow outbound\r\n# café\tß\n".as_bytes()), Ok("allow outbound\r\n# café\tß\n"));
        assert_eq!(decode(b""), Ok(""));
    }

    #[test]
    fn what_is_not_text_is_named() {
        assert_eq!(code_and_place(b"\xEF\xBB\xBFallow outbound"), (Code::ByteOrderMark, 0));
        assert_eq!(code_and_place(b"\xFF\xFEa\0l\0"), (Code::NotText, 0));
        assert_eq!(code_and_place(b"allow \xE9"), (Code::NotText, 6));
        assert_eq!(code_and_place(b"allow\0"), (Code::NotText, 5));
        assert_eq!(code_and_place(b"\x7FELF\x02"), (Code::NotText, 0));
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(decode(&vec![b'\n'; MAX_BYTES]).is_ok());
        assert_eq!(code_and_place(&vec![b'\n'; MAX_BYTES + 1]), (Code::TooLarge, 0));
    }
}
