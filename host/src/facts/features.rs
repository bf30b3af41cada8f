//! What the kernel and this user can do.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Everything that decides what may be attached, and how. What can't be told is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Features {
    /// `6.12.48+deb13-cloud-amd64`
    pub release: String,
    /// Its first two numbers.
    pub version: (u32, u32),
    /// Types of kernel structs are there.
    pub btf: bool,
    /// Capabilities that are in effect, a bit each (include/uapi/linux/capability.h).
    pub capabilities: u64,
    /// `none`, `integrity` or `confidentiality`; `None` where securityfs isn't mounted or the kernel knows
    /// no lockdown.
    pub lockdown: Option<String>,
    /// Are programs compiled to machine code?
    pub bpf_jit: Option<bool>,
    /// 2 and more forbid kernel profiling to users without CAP_PERFMON.
    pub perf_event_paranoid: Option<i32>,
    /// The type that perf_event_open knows kprobes by; `None` where the kernel has no kprobes.
    pub kprobe: Option<u32>,
    /// The same of uprobes.
    pub uprobe: Option<u32>,
    /// The bit of `perf_event_attr::config` that makes a uprobe a uretprobe.
    pub uretprobe_bit: Option<u8>,
    pub pid_namespace: Option<PidNamespace>,
    /// Numbers of the CPUs that are online.
    pub cpus: Vec<u32>,
}

/// The pid namespace of moontrace itself, as bpf_get_ns_current_pid_tgid takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PidNamespace {
    pub device: u64,
    pub inode: u64,
}

impl PidNamespace {
    /// That of moontrace itself.
    pub(super) fn of_this_process(root: &Path) -> Option<Self> {
        let of = std::fs::metadata(root.join("proc/self/ns/pid")).ok()?;
        Some(Self {
            device: of.dev(),
            inode: of.ino(),
        })
    }

    /// Is it the machine's own, in which the kernel's pids are everybody's?
    pub fn is_initial(self) -> bool {
        // PROC_PID_INIT_INO of include/linux/proc_ns.h.
        self.inode == 0xefff_fffc
    }
}

/// Numbers of include/uapi/linux/capability.h.
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

impl Features {
    pub(super) fn read(root: &Path) -> Self {
        let text = |path: &str| {
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(text.trim().to_owned())
        };
        let release = release(root);
        let pmu = |name: &str| {
            text(&format!("sys/bus/event_source/devices/{name}/type"))?
                .parse()
                .ok()
        };
        let retprobe = text("sys/bus/event_source/devices/uprobe/format/retprobe");
        let lockdown = text("sys/kernel/security/lockdown");
        let jit = text("proc/sys/net/core/bpf_jit_enable");
        Self {
            version: version(&release),
            release,
            btf: root.join("sys/kernel/btf/vmlinux").exists(),
            capabilities: text("proc/self/status")
                .and_then(|s| effective(&s))
                .unwrap_or(0),
            lockdown: lockdown.as_deref().and_then(chosen).map(str::to_owned),
            bpf_jit: jit.map(|value| value != "0"),
            perf_event_paranoid: text("proc/sys/kernel/perf_event_paranoid")
                .and_then(|value| value.parse().ok()),
            kprobe: pmu("kprobe"),
            uprobe: pmu("uprobe"),
            uretprobe_bit: retprobe.and_then(|bits| bits.strip_prefix("config:")?.parse().ok()),
            pid_namespace: PidNamespace::of_this_process(root),
            cpus: text("sys/devices/system/cpu/online")
                .map(|list| cpus(&list))
                .unwrap_or_default(),
        }
    }

    fn has(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 != 0
    }

    pub fn cap_sys_admin(&self) -> bool {
        self.has(CAP_SYS_ADMIN)
    }

    /// May programs be loaded? (CAP_SYS_ADMIN stands for CAP_BPF, and alone did before Linux 5.8.)
    pub fn cap_bpf(&self) -> bool {
        self.has(CAP_BPF) || self.cap_sys_admin()
    }

    /// May they be attached, and read kernel memory?
    pub fn cap_perfmon(&self) -> bool {
        self.has(CAP_PERFMON) || self.cap_sys_admin()
    }

    /// Is what can't be opened closed to everybody? To who has this, no file's own mode closes it.
    pub fn opens_any_file(&self) -> bool {
        self.has(CAP_DAC_READ_SEARCH)
    }

    /// Is the kernel this one or newer?
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }
}

/// `6.12.48+deb13-cloud-amd64`; empty where it can't be read.
fn release(root: &Path) -> String {
    let text = std::fs::read_to_string(root.join("proc/sys/kernel/osrelease"));
    text.map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// The first two numbers of the running kernel's release, without all else that features are.
pub(super) fn running_version(root: &Path) -> (u32, u32) {
    version(&release(root))
}

/// `6.12.48+deb13` → (6, 12); (0, 0) of what is no release.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// `none [integrity] confidentiality` → `integrity`
fn chosen(list: &str) -> Option<&str> {
    list.split_once('[')?.1.split(']').next()
}

/// `0-3,5` → 0, 1, 2, 3, 5
fn cpus(list: &str) -> Vec<u32> {
    /// More CPUs than Linux can be built for.
    const MOST: u32 = 65_536;
    let range = |part: &str| -> Option<_> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?.min(MOST))
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_spellings_are_understood() {
        assert_eq!(version("6.12.48+deb13-cloud-amd64"), (6, 12));
        assert_eq!(version("5.10-rc1"), (5, 10));
        assert_eq!(
            chosen("none [integrity] confidentiality"),
            Some("integrity")
        );
        assert_eq!(
            effective("Name:\tx\nCapEff:\t000001fffeffffff\n"),
            Some(0x1ff_feff_ffff)
        );
        assert_eq!(cpus("0-3,5"), [0, 1, 2, 3, 5]);
        assert_eq!(cpus("0-4294967295").len(), 65_537);
    }

    #[test]
    fn capabilities_are_bits() {
        let of = |capabilities| Features {
            capabilities,
            ..Features::default()
        };
        assert!(of(1 << 21).cap_bpf() && of(1 << 21).cap_perfmon());
        assert!(of(1 << 39).cap_bpf() && !of(1 << 39).cap_perfmon());
    }

    #[test]
    fn this_machine_has_a_kernel() {
        let here = Features::read(Path::new("/"));
        assert!(here.version >= (5, 0), "{here:?}");
        assert!(!here.cpus.is_empty());
        assert!(here.pid_namespace.is_some());
    }
}
