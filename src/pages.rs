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
const STEP: &str = "glibc.malloc.top_pad";
const STEP_BYTES: u32 = 64 << 20;

/// Whether programs get huge pages always, when they ask for them, or never.
const SYSTEM: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
const ON_REQUEST: &str = "[madvise]";

/// How often this process was begun anew: its number and the count, for the number stays and is no child's.
const BEGINNINGS: &str = "SWARMBED_BEGINNINGS";
/// glibc (2.36 at least) compares a byte more of `SYSTEM` than it read: what the stack held there. If that is not 0 by chance,
/// it takes huge pages for something that the system does not have; that is so at every second beginning. Each is by itself.
const BEGINNINGS_MAX: u32 = 20;

/// Begins this program anew, as the same process, until it has huge pages: unless it has them anyway, or cannot, or somebody
/// has said in `GLIBC_TUNABLES` that it shall not. If that fails it goes on as it is.
pub(crate) fn begin_with_huge_pages() {
    let system = fs::read_to_string(SYSTEM).unwrap_or_default();
    let told = env::var_os(TUNABLES);
    if let Some(tunables) = tunables(told.as_deref(), &system) {
        begin_anew(&tunables, 1);
        return;
    }
    let process = std::process::id();
    let maps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let beginnings = beginnings(env::var_os(BEGINNINGS).as_deref(), process);
    if let Some(told) = told
        && is_told(&told, &system)
        && heap_asks(&maps) == Some(false)
        && beginnings < BEGINNINGS_MAX
    {
        begin_anew(&told, beginnings + 1);
    }
}

/// Whether glibc was told to ask for huge pages, and the system gives them on request.
fn is_told(told: &OsStr, system: &str) -> bool {
    let wanted = format!("{HUGE_PAGES}=1");
    system.contains(ON_REQUEST) && told.to_string_lossy().split(':').any(|one| one == wanted)
}

/// Whether huge pages were asked for where small things lie, by `/proc/self/smaps`: the flag `hg` of proc(5). `None`: it does
/// not say.
fn heap_asks(maps: &str) -> Option<bool> {
    let mut lines = maps.lines();
    lines.find(|line| line.ends_with("[heap]"))?;
    let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"))?;
    Some(flags.split_whitespace().any(|flag| flag == "hg"))
}

/// How often this process was begun anew, as is noted.
fn beginnings(noted: Option<&OsStr>, process: u32) -> u32 {
    let noted = noted.and_then(OsStr::to_str);
    let ours = noted.and_then(|noted| noted.strip_prefix(&format!("{process}:")));
    ours.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// What glibc must be told; `None`: nothing.
fn tunables(told: Option<&OsStr>, system: &str) -> Option<OsString> {
    let on_request = cfg!(target_env = "gnu") && system.contains(ON_REQUEST);
    let told = told.unwrap_or_default();
    let says = |what: &str| told.to_string_lossy().contains(what);
    if !on_request || says(HUGE_PAGES) {
        return None;
    }
    let mut tunables = told.to_owned();
    if !tunables.is_empty() {
        tunables.push(":");
    }
    tunables.push(format!("{HUGE_PAGES}=1"));
    if !says(STEP) {
        tunables.push(format!(":{STEP}={STEP_BYTES}"));
    }
    Some(tunables)
}

#[cfg(unix)]
fn begin_anew(tunables: &OsStr, beginnings: u32) {
    use std::os::unix::process::CommandExt as _;

    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut command = std::process::Command::new(program);
    let mut args = env::args_os();
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    let noted = format!("{}:{beginnings}", std::process::id());
    command.env(TUNABLES, tunables).env(BEGINNINGS, noted);
    // Returns only if it failed.
    let _ = command.args(args).exec();
}

#[cfg(not(unix))]
fn begin_anew(_: &OsStr, _: u32) {}

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
            "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864".to_owned(),
            "glibc.malloc.tcache_count=9",
        );
        assert_eq!(asked(None, on_request).as_ref(), Some(&ours));
        assert_eq!(asked(Some(""), on_request).as_ref(), Some(&ours));
        let both = format!("{theirs}:{ours}");
        assert_eq!(asked(Some(theirs), on_request), Some(both.clone()));
        // Who chose a step of their own keeps it.
        let step = "glibc.malloc.top_pad=1";
        let kept = format!("{step}:glibc.malloc.hugetlb=1");
        assert_eq!(asked(Some(step), on_request), Some(kept));
        // Begun anew, it does not begin again.
        assert_eq!(asked(Some(&both), on_request), None);
        assert_eq!(asked(Some("glibc.malloc.hugetlb=0"), on_request), None);
        for system in ["[always] madvise never\n", "always madvise [never]\n", ""] {
            assert_eq!(asked(None, system), None);
        }
    }

    #[test]
    fn who_was_told_and_did_not_ask_is_seen() {
        let on_request = "always [madvise] never\n";
        let told = |told: &str, system: &str| is_told(OsStr::new(told), system);
        assert!(told(
            "glibc.malloc.tcache_count=9:glibc.malloc.hugetlb=1",
            on_request
        ));
        assert!(!told("glibc.malloc.hugetlb=0", on_request));
        assert!(!told("glibc.malloc.hugetlb=1", "always madvise [never]\n"));
        let maps = |flags: &str| {
            let libc = "7f00-7f01 r-xp 0 fe:00 1 /lib/libc.so.6\nVmFlags: rd ex hg\n";
            format!(
                "{libc}55d0-55d1 rw-p 0 00:00 0     [heap]\nRss: 4 kB\nVmFlags: {flags}\n{libc}"
            )
        };
        assert_eq!(heap_asks(&maps("rd wr mr mw me ac hg sd")), Some(true));
        assert_eq!(heap_asks(&maps("rd wr mr mw me ac sd")), Some(false));
        assert_eq!(heap_asks(""), None);
        let noted = |noted: &str| beginnings(Some(OsStr::new(noted)), 17);
        assert_eq!(
            [noted("17:3"), noted("16:3"), noted("17:"), noted("")],
            [3, 0, 0, 0]
        );
        assert_eq!(beginnings(None, 17), 0);
    }
}
