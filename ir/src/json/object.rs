// SPDX-License-Identifier: GPL-3.0-or-later
//! Named objects of a table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::{Counts, Limit, Quota};
use super::fault::Fault;
use super::text::Text;
use crate::object::{self, ObjectBody};
use crate::ruleset::OriginId;
use crate::words::{Family, Protocol};

/// A named object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an object of a table")]
#[schemars(rename = "object")]
pub(super) struct Object {
    /// Its name, of which a table may have one for each kind.
    pub(super) name: String,
    /// What somebody wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// What it is.
    is: Body,
    /// Why it is there: its place in `origins`, from 0.
    origin: u32,
}

/// What an object is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "what an object is")]
#[schemars(rename = "object-body")]
enum Body {
    /// Counts packets and bytes.
    Counter(Counts),
    /// A helper of connection tracking.
    CtHelper {
        /// The kernel's name for it: `ftp`.
        helper: String,
        /// The family that it is for; that of the table if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        family: Option<Text<Family>>,
        /// The protocol that it is for.
        protocol: Text<Protocol>,
    },
    /// Timeouts of connection tracking.
    CtTimeout {
        /// The family that they are for; that of the table if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        family: Option<Text<Family>>,
        /// The protocol that they are for.
        protocol: Text<Protocol>,
        /// The timeouts; the others stay as they are.
        timeouts: Vec<Timeout>,
    },
    /// A rate that all rules that name it share.
    Limit(Limit),
    /// An amount of bytes that all rules that name it share.
    Quota(Quota),
}

/// A timeout of connection tracking.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a timeout, an object")]
#[schemars(rename = "ct-timeout")]
struct Timeout {
    /// nft's word for the state.
    state: String,
    /// How long an entry stays in it without a packet, in seconds.
    seconds: u32,
}

impl Object {
    pub(super) fn of(object: &object::Object) -> Self {
        let is = match object.body() {
            ObjectBody::Counter(counts) => Body::Counter((*counts).into()),
            ObjectBody::CtHelper { helper, family, protocol } => {
                Body::CtHelper { helper: helper.clone(), family: family.map(Text), protocol: Text(*protocol) }
            }
            ObjectBody::CtTimeout { family, protocol, timeouts } => {
                let timeout = |(state, seconds): &(String, u32)| Timeout { state: state.clone(), seconds: *seconds };
                let timeouts = timeouts.iter().map(timeout).collect();
                Body::CtTimeout { family: family.map(Text), protocol: Text(*protocol), timeouts }
            }
            ObjectBody::Limit(limit) => Body::Limit((*limit).into()),
            ObjectBody::Quota(quota) => Body::Quota((*quota).into()),
        };
        Self {
            name: object.name().to_owned(),
            comment: object.comment().map(str::to_owned),
            is,
            origin: object.origin().0,
        }
    }

    pub(super) fn read(self) -> Result<object::Object, Fault> {
        let body = match self.is {
            Body::Counter(counts) => ObjectBody::Counter(counts.into()),
            Body::CtHelper { helper, family, protocol } => {
                ObjectBody::CtHelper { helper, family: family.map(|family| family.0), protocol: protocol.0 }
            }
            Body::CtTimeout { family, protocol, timeouts } => {
                let timeouts = timeouts.into_iter().map(|Timeout { state, seconds }| (state, seconds)).collect();
                ObjectBody::CtTimeout { family: family.map(|family| family.0), protocol: protocol.0, timeouts }
            }
            Body::Limit(limit) => ObjectBody::Limit(limit.into()),
            Body::Quota(quota) => ObjectBody::Quota(quota.into()),
        };
        Ok(object::Object::new(&self.name, body, OriginId(self.origin))?.with_comment(self.comment))
    }
}
