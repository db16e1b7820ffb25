//! Huge pages, where the system offers them and glibc asks for them only when told so before a program begins.
//!
//! Among thousands of peers nearly all that is read lies in no cache, and a good part of the wait is for learning where its
//! page lies: with pages of 2 MiB there are few to know. That is a matter of speed alone: what is simulated is the same.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;

/// Where glibc is told (its manual, "Memory Allocation Tunables").
const TUNABLES: &str = "GLIBC_TUNABLES";
const HUGE_PAGES: &str = "glibc.malloc.hugetlb";
/// All threads but the first take memory in steps of less than a huge page, for which they then do not ask. So they are told
/// to take all that one of their heaps may hold; what is not touched costs nothing.
const STEP: &str = "glibc.malloc.top_pad=67108864";

/// Whether programs get huge pages always, when they ask for them, or never.
const SYSTEM: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// Begins this program anew, as the same process, with huge pages: unless it has them anyway, or cannot, or somebody has said
/// in `GLIBC_TUNABLES` whether it shall. If that fails it goes on as it is.
pub(crate) fn begin_with_huge_pages() {
    let system = fs::read_to_string(SYSTEM).unwrap_or_default();
    if let Some(tunables) = tunables(env::var_os(TUNABLES).as_deref(), &system) {
        begin_anew(&tunables);
    }
}

/// What glibc must be told; `None`: nothing.
fn tunables(told: Option<&OsStr>, system: &str) -> Option<OsString> {
    let on_request = cfg!(target_env = "gnu") && system.contains("[madvise]");
    let told = told.unwrap_or_default();
    if !on_request || told.to_string_lossy().contains(HUGE_PAGES) {
        return None;
    }
    let mut tunables = told.to_owned();
    if !tunables.is_empty() {
        tunables.push(":");
    }
    tunables.push(format!("{HUGE_PAGES}=1:{STEP}"));
    Some(tunables)
}

#[cfg(unix)]
fn begin_anew(tunables: &OsStr) {
    use std::os::unix::process::CommandExt as _;

    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut command = std::process::Command::new(program);
    let mut args = env::args_os();
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    // Returns only if it failed.
    let _ = command.args(args).env(TUNABLES, tunables).exec();
}

#[cfg(not(unix))]
fn begin_anew(_: &OsStr) {}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_asked_for_where_that_makes_a_difference_and_nobody_has_said() {
        let asked = |told: Option<&str>, system: &str| {
            let tunables = tunables(told.map(OsStr::new), system);
            tunables.map(|tunables| tunables.into_string().unwrap())
        };
        let on_request = "always [madvise] never\n";
        let (ours, theirs) = (
            format!("glibc.malloc.hugetlb=1:{STEP}"),
            "glibc.malloc.tcache_count=9",
        );
        assert_eq!(asked(None, on_request).as_ref(), Some(&ours));
        assert_eq!(asked(Some(""), on_request).as_ref(), Some(&ours));
        let both = format!("{theirs}:{ours}");
        assert_eq!(asked(Some(theirs), on_request), Some(both.clone()));
        // Begun anew, it does not begin again.
        assert_eq!(asked(Some(&both), on_request), None);
        assert_eq!(asked(Some("glibc.malloc.hugetlb=0"), on_request), None);
        for system in ["[always] madvise never\n", "always madvise [never]\n", ""] {
            assert_eq!(asked(None, system), None);
        }
    }
}
