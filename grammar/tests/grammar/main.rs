// SPDX-License-Identifier: GPL-3.0-or-later
//! The grammar from outside: what is read, what is said about what is not, and that nothing breaks it.

// All of this is test code; `cfg(test)` is how clippy knows, which then lets helpers unwrap.
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod show;
#[cfg(test)]
mod typos;
