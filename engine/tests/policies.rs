//! What the tables promise: each policy is one file (or one folder, where it answers two questions),
//! called by the policy's name, which opens with that name and says where it is from.

use std::fs;
use std::path::{Path, PathBuf};

use swarmbed_engine::policy::{ChokerConfig, HookInConfig, PolicyInfo, SelectorConfig};

fn file_of(name: &str, half: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy");
    let name = name.replace('-', "_");
    let file = folder.join(&name).with_extension("rs");
    if file.exists() {
        file
    } else {
        folder.join(name).join(half).with_extension("rs")
    }
}

#[test]
fn each_policy_is_a_file_of_its_name_and_says_its_source() {
    let seams: [(&str, &[PolicyInfo]); 3] = [
        ("selector", SelectorConfig::TABLE),
        ("choker", ChokerConfig::TABLE),
        ("hook_in", HookInConfig::TABLE),
    ];
    for (half, table) in seams {
        for PolicyInfo { name, source, .. } in table {
            let path = file_of(name, half);
            let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {path:?}"));
            assert!(
                text.starts_with(&format!("//! `{name}`")),
                "{path:?} opens otherwise"
            );
            let opening: String = text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .collect();
            assert!(opening.contains("Source: "), "{path:?} names no source");
            assert!(!source.is_empty(), "{name}");
        }
    }
}
