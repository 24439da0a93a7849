// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of a rule, sorted by whose they are: iptables' own options, a block for each match, and the target.
//!
//! An option belongs to what was named last and knows it, for iptables itself looks only whether some match knows it. Words
//! that nothing knows belong to the match before them.

use std::borrow::Cow;

use super::options::taken_together;
use super::spec::{self, OWN, Spec, canonical};
use super::{Known, Problem};
use crate::target::iptables::words::{protocol, quoted};

/// An option with its words.
#[derive(Debug)]
pub(super) struct Opt<'a> {
    /// A `!` stands before it.
    pub(super) negated: bool,
    /// Its name, in one spelling.
    pub(super) name: &'static str,
    /// The words behind it.
    pub(super) values: &'a [Cow<'a, str>],
}

impl<'a> Opt<'a> {
    /// The first word behind it.
    pub(super) fn value(&self) -> &'a str {
        self.values.first().map_or("", |word| word.as_ref())
    }

    /// It as it stands, without the words behind it.
    pub(super) fn spelled(&self) -> String {
        format!("{}{}", if self.negated { "! " } else { "" }, self.name)
    }

    /// Why it has no place in the IR, where no more can be said.
    pub(super) fn not_modelled(&self) -> String {
        format!("`{}` is not modelled", self.spelled())
    }

    /// Why it has no place in the IR: the word behind it is not `what` it should be.
    pub(super) fn is_no(&self, what: &str) -> String {
        format!("`{}` is no {what}", self.value())
    }

    /// It is not negated.
    ///
    /// # Errors
    /// That it is, and why that has no place in the IR.
    pub(super) fn plain(&self, why: &str) -> Known<()> {
        if self.negated { Err(format!("`{}` {why}", self.spelled())) } else { Ok(()) }
    }
}

/// A match or target with its options.
pub(super) struct Block<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What is known of its options; none where nothing is.
    spec: Option<&'static Spec>,
    /// Those that are known.
    pub(super) options: Vec<Opt<'a>>,
    /// All of its words, as they stand.
    words: Vec<&'a str>,
    /// Why it is not known as a whole: it is not modelled, or some of its words are not known.
    pub(super) strange: Option<String>,
}

/// The words of a rule.
pub(super) struct Blocks<'a> {
    /// iptables' own options but `-m`, `-j` and `-g`.
    pub(super) own: Vec<Opt<'a>>,
    /// The matches, in order.
    pub(super) matches: Vec<Block<'a>>,
    /// What stands behind `-j` or `-g`.
    pub(super) target: Option<Block<'a>>,
    /// It stands behind `-g`.
    pub(super) goes: bool,
}

impl<'a> Block<'a> {
    fn new(name: &'a str, spec: Option<&'static Spec>, words: Vec<&'a str>) -> Self {
        Self { name, spec, options: Vec::new(), words, strange: None }
    }

    /// Puts its options into their order: in a text they may have any, and they mean the same.
    fn put_in_order(&mut self) {
        let Some(spec) = self.spec else { return };
        self.options.sort_by_key(|option| spec.options.iter().position(|(known, _)| *known == option.name));
    }

    /// The option of a name.
    pub(super) fn option(&self, name: &str) -> Option<&Opt<'a>> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The option of a name.
    ///
    /// # Errors
    /// That it is missing.
    pub(super) fn need(&self, name: &str) -> Known<&Opt<'a>> {
        self.option(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    /// What is known of it, with all of its options.
    ///
    /// # Errors
    /// Why it is not known.
    pub(super) fn known(&self) -> Known<()> {
        match &self.strange {
            _ if self.spec.is_none() && !self.name.is_empty() => Err(NOT_MODELLED.to_owned()),
            Some(strange) => Err(strange.clone()),
            None => taken_together(self.spec.map_or("", |spec| spec.name), &self.options),
        }
    }

    /// Its only option.
    ///
    /// # Errors
    /// That it has none, or more.
    pub(super) fn only(&self) -> Known<&Opt<'a>> {
        match self.options.as_slice() {
            [option] => Ok(option),
            [] => Err(NO_OPTION.to_owned()),
            [_, second, ..] => Err(format!("it has `{}` beside another option", second.spelled())),
        }
    }

    /// Whether it has an option.
    pub(super) fn has(&self, name: &str) -> bool {
        self.option(name).is_some()
    }

    /// Whether it is a name and no more.
    pub(super) fn is_bare(&self) -> bool {
        self.words.len() <= 2
    }

    /// All of its words, as iptables-save would print them.
    pub(super) fn text(&self) -> String {
        joined(&self.words)
    }
}

/// Why a match or target has no place in the IR of which nothing is modelled.
pub(super) const NOT_MODELLED: &str = "it is not modelled";

/// What is missing from a match that says something by its options alone.
pub(super) const NO_OPTION: &str = "it has no option";

/// Words with blanks between them, those with blanks of their own between quotes.
fn joined(words: &[&str]) -> String {
    let bare = |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
    let words: Vec<_> =
        words.iter().map(|word| if bare(word) { Cow::Borrowed(*word) } else { Cow::Owned(quoted(word)) }).collect();
    words.join(" ")
}

/// All words of a rule.
pub(super) fn text(words: &[Cow<'_, str>]) -> String {
    joined(&words.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// Sorts the words behind `-A CHAIN`.
pub(super) fn blocks<'a>(words: &'a [Cow<'a, str>]) -> Result<Blocks<'a>, Problem> {
    let mut sorter = Sorter {
        words,
        next: 0,
        blocks: Blocks { own: Vec::new(), matches: Vec::new(), target: None, goes: false },
        last: Last::None,
    };
    while sorter.next < words.len() {
        sorter.option()?;
    }
    let mut blocks = sorter.blocks;
    blocks.matches.iter_mut().chain(&mut blocks.target).for_each(Block::put_in_order);
    Ok(blocks)
}

/// What was named last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    None,
    Match,
    Target,
}

/// Whose an option is.
#[derive(Clone, Copy)]
enum Owner {
    Iptables,
    Match(usize),
    Target,
}

struct Sorter<'a> {
    words: &'a [Cow<'a, str>],
    next: usize,
    blocks: Blocks<'a>,
    last: Last,
}

impl<'a> Sorter<'a> {
    fn word(&self, place: usize) -> Option<&'a str> {
        self.words.get(place).map(|word| word.as_ref())
    }

    fn option(&mut self) -> Result<(), Problem> {
        let start = self.next;
        let mut negated = false;
        while self.word(self.next) == Some("!") {
            if std::mem::replace(&mut negated, true) {
                return Err(Problem::new("`!` stands twice"));
            }
            self.next += 1;
        }
        let Some(word) = self.word(self.next) else { return Err(Problem::new("nothing follows `!`")) };
        self.next += 1;
        let Some((owner, name, count)) = self.known(word) else {
            self.strange(start);
            return Ok(());
        };
        // The place of the `!` in older texts.
        if count > 0 && !negated && self.word(self.next) == Some("!") {
            negated = true;
            self.next += 1;
        }
        let values = self.words.get(self.next..self.next + count).ok_or_else(|| {
            Problem::new(format!("nothing follows `{}`", self.words.last().map_or(word, |last| last.as_ref())))
        })?;
        self.next += count;
        match owner {
            Owner::Iptables => self.own(Opt { negated, name, values }, start)?,
            Owner::Match(place) => {
                let words = self.words.get(start..self.next).unwrap_or_default();
                if let Some(block) = self.blocks.matches.get_mut(place) {
                    block.words.extend(words.iter().map(|word| word.as_ref()));
                    block.options.push(Opt { negated, name, values });
                }
            }
            Owner::Target => {
                let words = self.words.get(start..self.next).unwrap_or_default();
                if let Some(block) = &mut self.blocks.target {
                    block.words.extend(words.iter().map(|word| word.as_ref()));
                    block.options.push(Opt { negated, name, values });
                }
            }
        }
        Ok(())
    }

    fn own(&mut self, option: Opt<'a>, start: usize) -> Result<(), Problem> {
        let name = option.value();
        let words: Vec<&'a str> =
            self.words.get(start..self.next).unwrap_or_default().iter().map(|word| word.as_ref()).collect();
        match option.name {
            "-m" | "-j" | "-g" if option.negated => {
                return Err(Problem::new(format!("`!` cannot stand before `{}`", option.name)));
            }
            "-m" => {
                self.blocks.matches.push(Block::new(name, spec::of_match(name), words));
                self.last = Last::Match;
            }
            "-j" | "-g" => {
                if self.blocks.target.is_some() {
                    return Err(Problem::new("the rule has two targets"));
                }
                self.blocks.goes = option.name == "-g";
                self.blocks.target = Some(Block::new(name, spec::of_target(name), words));
                self.last = Last::Target;
            }
            _ => self.blocks.own.push(option),
        }
        Ok(())
    }

    /// Whose option the word is, its name and the number of words behind it.
    fn known(&mut self, word: &str) -> Option<(Owner, &'static str, usize)> {
        let name = canonical(word);
        // `--proto` is an option of `-m policy` too.
        let policy = || {
            let place = self.blocks.matches.len().checked_sub(1)?;
            let block = self.blocks.matches.last().filter(|block| block.name == "policy" && word == "--proto")?;
            block.spec?.option(word).map(|(name, count)| (Owner::Match(place), name, count))
        };
        if let Some(found) = policy() {
            return Some(found);
        }
        if let Some((name, count)) = OWN.option(name) {
            return Some((Owner::Iptables, name, count));
        }
        if !name.starts_with("--") {
            return None;
        }
        if let Some(found) = self.find(|spec| spec.option(name)) {
            return Some(found);
        }
        // getopt_long(3) takes the beginning of an option for it, but not while options are about that nothing is known of.
        let knows_all = self.blocks.matches.iter().chain(&self.blocks.target).all(|block| block.spec.is_some());
        let cut = knows_all.then(|| self.find(|spec| only(spec.beginning(name)))).flatten();
        cut.or_else(|| self.implied(name))
    }

    fn find(
        &self,
        option: impl Fn(&'static Spec) -> Option<(&'static str, usize)>,
    ) -> Option<(Owner, &'static str, usize)> {
        let target = self.blocks.target.as_ref().and_then(|block| option(block.spec?));
        let target = target.map(|(name, count)| (Owner::Target, name, count));
        let matches = self.blocks.matches.iter().enumerate().rev();
        let of_match = matches
            .filter_map(|(place, block)| option(block.spec?).map(|(name, count)| (Owner::Match(place), name, count)))
            .next();
        if self.last == Last::Target { target.or(of_match) } else { of_match.or(target) }
    }

    /// `-p tcp` loads the match of the protocol where an option is not known.
    fn implied(&mut self, name: &str) -> Option<(Owner, &'static str, usize)> {
        let protocol = self.blocks.own.iter().find(|option| option.name == "-p" && !option.negated)?;
        let number = protocol::named(protocol.value())?;
        let module = match number.0 {
            1 => "icmp",
            58 => "icmp6",
            _ => protocol::ports_of(number)?.module?,
        };
        let spec = spec::of_match(module)?;
        let (name, count) = spec.option(name).or_else(|| only(spec.beginning(name)))?;
        self.blocks.matches.push(Block::new(spec.name, Some(spec), Vec::new()));
        Some((Owner::Match(self.blocks.matches.len() - 1), name, count))
    }

    /// Words that nothing knows: those of an unknown match or target, or an unknown option of a known one.
    fn strange(&mut self, start: usize) {
        while self.word(self.next).is_some_and(|word| !word.starts_with('-') && word != "!") {
            self.next += 1;
        }
        let words: Vec<&'a str> =
            self.words.get(start..self.next).unwrap_or_default().iter().map(|word| word.as_ref()).collect();
        let last = match self.last {
            Last::Target => self.blocks.target.as_mut(),
            Last::Match | Last::None => self.blocks.matches.last_mut(),
        };
        match last {
            Some(block) => {
                block.strange.get_or_insert_with(|| not_known(&words));
                block.words.extend(words);
            }
            None => {
                self.blocks.matches.push(Block { strange: Some(not_known(&words)), ..Block::new("", None, words) });
                self.last = Last::Match;
            }
        }
    }
}

/// Why words are not known that belong to nothing before them.
fn not_known(words: &[&str]) -> String {
    let word = words.iter().find(|word| **word != "!").copied().unwrap_or_default();
    if !word.starts_with('-') {
        return format!("`{word}` belongs to no option");
    }
    let knows = |spec: &&Spec| spec.option(canonical(word)).is_some();
    let owners: Vec<_> = spec::MATCHES.iter().filter(knows).map(|spec| spec.name).collect();
    match owners.as_slice() {
        [] => format!("option `{word}` is not known"),
        _ => format!("option `{word}` is one of -m {}: write that before it", owners.join(", ")),
    }
}

/// The only one, if there is exactly one.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}
