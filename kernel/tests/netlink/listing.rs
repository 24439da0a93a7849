// SPDX-License-Identifier: GPL-3.0-or-later
//! Listings by nft, made such that a test can compare them.

/// Without what goes by, and with numbers for what nft 1.0.6 does not know again of its own sets.
pub fn comparable(list: &str) -> String {
    numbers(&timeless(list))
}

/// Without the time that elements have left.
fn timeless(list: &str) -> String {
    let mut parts = list.split(" expires ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let time = part.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(part.len());
        out.push_str(&part[time..]);
    }
    out
}

/// What nft calls `0x16 [invalid type]`, a port of a protocol that it does not know, is 22.
fn numbers(list: &str) -> String {
    let mut parts = list.split(" [invalid type]").peekable();
    let mut out = String::new();
    while let Some(part) = parts.next() {
        let start = part.rfind("0x").filter(|_| parts.peek().is_some());
        match start.and_then(|start| Some((start, u64::from_str_radix(&part[start + 2..], 16).ok()?))) {
            Some((start, number)) => out.push_str(&format!("{}{number}", &part[..start])),
            None => out.push_str(part),
        }
    }
    out
}

/// Whether nft 1.0.6 lists what it loads. In what is joined it does not know the type of ports of connections, and so
/// loses them, and takes whether there is an extension header for a protocol.
pub fn lists_wholly(text: &str) -> bool {
    let joined = |word: &str, more: usize| {
        text.match_indices(word).any(|(start, word)| {
            let (before, behind) = (&text[..start], &text[start + word.len() + more..]);
            let before = before
                .trim_end_matches("ip")
                .trim_end_matches("ip6")
                .rsplit(' ')
                .find(|word| !["ct", "original", "reply", ""].contains(word));
            before == Some(".") || behind.trim_start_matches(|letter| letter != ' ').starts_with(" . ")
        })
    };
    // It shifts the wrong bits out of this one: by six in the host's order, without turning the bytes around.
    let alone = |behind: &str| {
        let values = [" !=", " vmap", " map"].iter().find_map(|word| behind.strip_prefix(word)).unwrap_or(behind);
        let others = values.split_once('}').is_some_and(|(elements, _)| elements.contains("* :"));
        !behind.starts_with(" & ") && !values.starts_with(" @") && !others
    };
    let is_shifted = text.split("ip6 dscp").skip(1).any(|behind| !alone(behind));
    !joined("proto-", 3) && !joined("exthdr ", 1) && !joined(" dscp", 0) && !is_shifted
}

#[test]
fn what_nft_does_not_know_is_a_number() {
    assert_eq!(comparable("{ 0x452 [invalid type]-0x1145 [invalid type], 5 }"), "{ 1106-4421, 5 }");
    assert_eq!(comparable("1.2.3.4 timeout 5s expires 4s996ms, 5"), "1.2.3.4 timeout 5s, 5");
    assert!(lists_wholly("ct original proto-dst 5 accept"));
    assert!(!lists_wholly("ip saddr . ct original proto-dst { 1.1.1.1 . 5 } accept"));
    assert!(lists_wholly("exthdr hbh exists ip6 saddr . tcp dport { ::1 . 5 }"));
    assert!(!lists_wholly("exthdr hbh . tcp dport { exists . 5 }"));
    assert!(!lists_wholly("ct reply proto-src . ip saddr { 5 . 1.1.1.1 } accept"));
}
