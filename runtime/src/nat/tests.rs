// SPDX-License-Identifier: GPL-3.0-or-later
//! The parts of the choice that the kernel's answers hide behind its random numbers.

use super::choose::jhash2;

#[test]
fn the_hash_is_the_kernels() {
    // Computed by a transcription of `include/linux/jhash.h`.
    assert_eq!(jhash2([1, 2, 3, 4], 5), 0x7355_8c35);
}
