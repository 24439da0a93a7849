// SPDX-License-Identifier: GPL-3.0-or-later
//! What is written reads back: by our writer, and by hand in every link type, byte order and form.

use super::*;
use crate::traffic::capture::source::Order;

/// How a link type frames a packet, by hand.
fn framed(link: u16, packet: &[u8]) -> Vec<u8> {
    let v6 = packet[0] >> 4 == 6;
    let ether_type = if v6 { [0x86, 0xdd] } else { [8, 0] };
    let header: &[&[u8]] = match link {
        0 => &[&[if v6 { 30 } else { 2 }, 0, 0, 0]],
        1 => &[&[2; 12], &[0x81, 0, 0, 7], &ether_type],
        108 => &[&[0, 0, 0, if v6 { 24 } else { 2 }]],
        113 => &[&[0; 14], &ether_type],
        276 => &[&ether_type, &[0; 18]],
        _ => &[],
    };
    [&header.concat(), packet].concat()
}

/// Link types that carry both families; 228 and 229 carry one each.
const LINKS: [u16; 9] = [0, 1, 12, 14, 101, 108, 113, 276, 228];

/// Numbers in a byte order.
#[derive(Clone, Copy, Debug)]
struct By(Order);

impl By {
    fn n16(self, number: u16) -> [u8; 2] {
        if self.0 == Order::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn n32(self, number: u32) -> [u8; 4] {
        if self.0 == Order::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.n32(u32::try_from(body.len() + padding.len() + 12).unwrap());
        [&self.n32(kind)[..], &length, body, &padding, &length].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.n16(code)[..], &self.n16(u16::try_from(value.len()).unwrap()), value, &padding].concat()
    }

    /// A section with one interface, and its packets: time in nanoseconds, bytes, flags.
    fn section(self, link: u16, name: &str, packets: &[(u64, Vec<u8>, u32)]) -> Vec<u8> {
        let user = self.option(4, b"somebody");
        let head = [&self.n32(0x1a2b_3c4d)[..], &self.n16(1), &self.n16(0), &[0xff; 8], &user].concat();
        let options = [self.option(2, name.as_bytes()), self.option(9, &[9]), self.option(0, &[])].concat();
        let interface = [&self.n16(link)[..], &[0, 0], &self.n32(0), &options].concat();
        let mut bytes = [self.block(0x0a0d_0d0a, &head), self.block(1, &interface)].concat();
        for (at, frame, flags) in packets {
            let [high, low] = [at >> 32, at & 0xffff_ffff].map(|half| self.n32(u32::try_from(half).unwrap()));
            let length = self.n32(u32::try_from(frame.len()).unwrap());
            let padding = vec![0; frame.len().next_multiple_of(4) - frame.len()];
            let options = [self.option(1, b"said"), self.option(2, &self.n32(*flags))].concat();
            let body = [&self.n32(0)[..], &high, &low, &length, &length, frame, &padding, &options].concat();
            bytes.extend(self.block(6, &body));
        }
        bytes
    }
}

/// Packets of a family, with gaps of time between them.
fn packets(v6: bool) -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let (from, to) = if v6 { ("fd00::1", "fd00::2") } else { ("10.0.0.1", "10.0.0.2") };
    let build = Build::between(from.parse().unwrap(), to.parse().unwrap());
    let one = (0..1_u64 << 40, prop::collection::vec(any::<u8>(), 0..80), any::<u16>());
    prop::collection::vec(one, 1..6).prop_map(move |drawn| {
        let mut now = 0;
        let packet = |(gap, data, port): (u64, Vec<u8>, u16)| {
            now += gap;
            (now, build.udp(port, 53, &data))
        };
        drawn.into_iter().map(packet).collect()
    })
}

fn captured(capture: &[u8]) -> Vec<Captured> {
    Capture::new(capture).unwrap().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #[test]
    fn our_captures_read_back(packets in any::<bool>().prop_flat_map(packets), new: bool) {
        let form = if new { CaptureForm::PcapNg } else { CaptureForm::Pcap };
        let start = packets[0].0;
        let mut writer = CaptureWriter::new(Vec::new(), form).unwrap();
        for (at, bytes) in &packets {
            writer.write(Duration::from_nanos(*at), bytes, "accept by a sentence").unwrap();
        }
        let read: Vec<_> = captured(&writer.into_inner()).into_iter().map(|one| (one.at.as_nanos(), one.bytes)).collect();
        let written: Vec<_> = packets.into_iter().map(|(at, bytes)| (u128::from(at - start), bytes)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn every_link_type_reads_back(v4 in packets(false), v6 in packets(true), big: [bool; 2]) {
        for link in LINKS {
            let orders = big.map(|big| By(if big { Order::Big } else { Order::Little }));
            let (second, link6) = if link == 228 { (&v6, 229) } else { (&v6, link) };
            let frames = |link: u16, packets: &[(u64, Vec<u8>)]| -> Vec<_> {
                packets.iter().map(|(at, packet)| (*at, framed(link, packet), 0)).collect()
            };
            let capture = [
                orders[0].section(link, "eth1", &frames(link, &v4)),
                orders[1].section(link6, "eth2", &frames(link6, second)),
            ]
            .concat();
            let read: Vec<_> =
                captured(&capture).into_iter().map(|one| (one.bytes, one.interface.unwrap().to_string())).collect();
            let name = |packets: &[(u64, Vec<u8>)], name: &str| -> Vec<_> {
                packets.iter().map(|(_, bytes)| (bytes.clone(), name.to_owned())).collect()
            };
            prop_assert_eq!(read, [name(&v4, "eth1"), name(second, "eth2")].concat(), "link type {}", link);
        }
    }
}

#[test]
fn flags_of_a_block_tell_which_way() {
    for order in [Order::Big, Order::Little] {
        let capture = By(order).section(101, "eth0", &[(0, query(), 1), (1, query(), 2), (2, query(), 0x1_0000)]);
        let headings: Vec<_> = captured(&capture).into_iter().map(|one| one.heading).collect();
        assert_eq!(headings, [Some(Heading::In), Some(Heading::Out), None]);
    }
}

#[test]
fn comments_are_written_for_others_to_read() {
    let mut writer = CaptureWriter::new(Vec::new(), CaptureForm::PcapNg).unwrap();
    writer.write(Duration::from_nanos(7), &query(), &"ä".repeat(4000)).unwrap();
    let bytes = writer.into_inner();
    let mut reader = pcap_file::pcapng::PcapNgReader::new(&bytes[..]).unwrap();
    reader.next_block().unwrap().unwrap();
    let block = reader.next_block().unwrap().unwrap().into_enhanced_packet().unwrap();
    assert_eq!(block.data, query());
    assert!(format!("{:?}", block.options).contains(&"ä".repeat(2048)), "{:?}", block.options);
}

/// Gives bytes and then fails, as a disk does.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let whole = pcap(RAW_IP, &[(0, 0, &query()), (0, 0, &answer())]);
        let rest = whole.get(self.0..whole.len() - 8).filter(|rest| !rest.is_empty());
        let Some(rest) = rest else { return Err(io::Error::other("the disk is gone")) };
        buffer[0] = rest[0];
        self.0 += 1;
        Ok(1)
    }
}

#[test]
fn packets_in_front_of_an_error_are_read() {
    let read: Vec<_> = Capture::new(Failing(0)).unwrap().collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].as_ref().unwrap().bytes, query());
    assert_eq!(read[1].as_ref().unwrap_err().to_string(), "cannot be read at packet 2: the disk is gone");
}

#[test]
fn what_a_record_claims_takes_no_memory() {
    let mut claim = pcap(RAW_IP, &[]);
    let record =
        |length: u32| [[0; 8], [length.to_le_bytes(), length.to_le_bytes()].concat().try_into().unwrap()].concat();
    claim.extend(record(LONGEST_PACKET + 1));
    let error = read_capture(&claim, &host()).unwrap_err().to_string();
    assert!(error.ends_with("a record claims 1048577 bytes, more than any packet has"), "{error}");
    let mut short = pcap(RAW_IP, &[]);
    short.extend(record(LONGEST_PACKET));
    assert_eq!(read_capture(&short, &host()), Err(TrafficError::Truncated { packet: 1 }));
    let long_block = [section(), [6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff].to_vec()].concat();
    let error = read_capture(&long_block, &host()).unwrap_err().to_string();
    assert!(error.ends_with("a record claims 4294967292 bytes, more than any packet has"), "{error}");
}
