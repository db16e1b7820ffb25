//! `[[policy]]`: sets of policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

/// `[[policy]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in tables.
    pub name: String,
    /// Which piece next.
    pub selector: Named,
    /// Whom to upload to while downloading.
    pub choker: Named,
    /// Whom to upload to when complete.
    #[serde(default = "Policy::seed_fastest")]
    pub seed_choker: Named,
}

/// A policy by name, with parameters if it has any.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a policy's name, or a table such as { name = \"give-to-get\", h = \"10 s\" }"
)]
pub enum Named {
    /// Its name.
    Name(String),
    /// Its name and parameters.
    Table(BTreeMap<String, toml::Value>),
}

impl Policy {
    fn seed_fastest() -> Named {
        Named::Name("seed-fastest".into())
    }

    pub(super) fn defaults() -> Vec<Spanned<Self>> {
        let policy = Self {
            name: "default".into(),
            selector: Named::Name("rarest-first".into()),
            choker: Named::Name("tit-for-tat".into()),
            seed_choker: Self::seed_fastest(),
        };
        vec![Spanned::new(0..0, policy)]
    }
}
