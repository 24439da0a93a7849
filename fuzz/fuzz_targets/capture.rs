// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever bytes come as traffic are read without a panic, packet by packet; what is read of a capture is what is written
//! of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::{CaptureForm, CaptureWriter, Captured, Source, open, read_capture, read_script};

/// A small file may hold a large one: this much of it is enough.
const MOST: usize = 10_000;

fuzz_target!(|bytes: &[u8]| {
    let host = Host::with_addresses(&[]);
    match open(bytes) {
        Ok(Source::Capture(capture)) => {
            let read: Vec<Captured> = capture.take(MOST).map_while(Result::ok).collect();
            for form in [CaptureForm::Pcap, CaptureForm::PcapNg] {
                rewritten(&read, form, &host);
            }
        }
        Ok(Source::Script(text)) => {
            let _ = read_script(&text, &host);
        }
        Err(_) => {}
    }
});

/// Writes packets and reads them again. Times beyond what a form can say are left out.
fn rewritten(read: &[Captured], form: CaptureForm, host: &Host) {
    let sayable = |packet: &&Captured| packet.at.as_secs() < u32::MAX.into();
    let packets: Vec<_> = read.iter().filter(sayable).collect();
    let Ok(mut writer) = CaptureWriter::new(Vec::new(), form) else { return };
    for packet in &packets {
        assert!(writer.write(packet.at, &packet.bytes, "a comment").is_ok());
    }
    let again = read_capture(&writer.into_inner(), host).map(|traffic| traffic.packets).unwrap_or_default();
    let bytes: Vec<_> = packets.iter().map(|packet| &packet.bytes).collect();
    assert_eq!(again.iter().map(|packet| &packet.bytes).collect::<Vec<_>>(), bytes);
}
