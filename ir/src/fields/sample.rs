// SPDX-License-Identifier: GPL-3.0-or-later
//! A field for each data type.

use super::{Field, LOCAL_TYPE};
use crate::datatype::Datatype;

impl Field {
    /// A field of the data type, to stand for all of them where a target wants a field.
    #[must_use]
    pub const fn sample(datatype: Datatype) -> Self {
        match datatype {
            Datatype::Boolean => Self::MetaIpsec,
            Datatype::Cgroupsv2 => Self::SocketCgroupv2(1),
            Datatype::Classid => Self::MetaPriority,
            Datatype::CtDir => Self::CtDirection,
            Datatype::CtState => Self::CtState,
            Datatype::CtStatus => Self::CtStatus,
            Datatype::Day => Self::MetaDay,
            Datatype::Devgroup => Self::Iifgroup,
            Datatype::Dscp => Self::IpDscp,
            Datatype::Duration => Self::CtExpiration,
            Datatype::EtherAddr => Self::EtherSaddr,
            Datatype::EtherType => Self::MetaProtocol,
            Datatype::FibAddrtype => Self::Fib(LOCAL_TYPE),
            Datatype::Gid => Self::Skgid,
            Datatype::Hour => Self::MetaHour,
            Datatype::IcmpCode => Self::IcmpCode,
            Datatype::IcmpType => Self::IcmpType,
            Datatype::Icmpv6Code => Self::Icmpv6Code,
            Datatype::Icmpv6Type => Self::Icmpv6Type,
            Datatype::IfaceIndex => Self::Iif,
            Datatype::IfaceType => Self::Iiftype,
            Datatype::Ifname => Self::Iifname,
            Datatype::InetProto => Self::L4proto,
            Datatype::InetService => Self::TcpDport,
            Datatype::Integer => Self::MetaLength,
            Datatype::Ipv4Addr => Self::IpSaddr,
            Datatype::Ipv6Addr => Self::Ip6Saddr,
            Datatype::Mark => Self::MetaMark,
            Datatype::NfProto => Self::Nfproto,
            Datatype::PktType => Self::Pkttype,
            Datatype::Realm => Self::Rtclassid,
            Datatype::String => Self::CtHelper,
            Datatype::TcpFlag => Self::TcpFlags,
            Datatype::Time => Self::MetaTime,
            Datatype::Uid => Self::Skuid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_of_their_data_type() {
        for datatype in Datatype::ALL {
            assert_eq!(Field::sample(datatype).datatype(), datatype);
        }
    }
}
