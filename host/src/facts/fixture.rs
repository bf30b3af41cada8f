//! A small machine in a temporary directory, for tests here and of later stages.

use super::Facts;
use super::btf::sample;
use std::path::Path;
use tempfile::TempDir;

/// A kernel with kprobes, BTF and a few tracepoints.
pub(crate) struct Machine {
    root: TempDir,
}

/// Front of every record.
const COMMON: &str = "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
    \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

/// (category, event, its own fields: declaration, offset, size, signed)
type Event = (
    &'static str,
    &'static str,
    &'static [(&'static str, u32, u32, u32)],
);

const EVENTS: &[Event] = &[
    (
        "syscalls",
        "sys_enter_openat",
        &[
            ("int __syscall_nr", 8, 4, 1),
            ("int dfd", 16, 8, 0),
            ("const char * filename", 24, 8, 0),
            ("int flags", 32, 8, 0),
            ("umode_t mode", 40, 8, 0),
            // As 7.3 has it.
            ("__data_loc char[] __filename_val", 48, 4, 0),
        ],
    ),
    (
        "syscalls",
        "sys_exit_openat",
        &[("int __syscall_nr", 8, 4, 1), ("long ret", 16, 8, 1)],
    ),
    (
        "syscalls",
        "sys_enter_execve",
        &[
            ("int __syscall_nr", 8, 4, 1),
            ("const char * filename", 16, 8, 0),
        ],
    ),
    (
        "syscalls",
        "sys_exit_execve",
        &[("int __syscall_nr", 8, 4, 1), ("long ret", 16, 8, 1)],
    ),
    (
        "raw_syscalls",
        "sys_enter",
        &[("long id", 8, 8, 1), ("unsigned long args[6]", 16, 48, 0)],
    ),
    (
        "raw_syscalls",
        "sys_exit",
        &[("long id", 8, 8, 1), ("long ret", 16, 8, 1)],
    ),
    (
        "sched",
        "sched_switch",
        &[
            ("char prev_comm[16]", 8, 16, 0),
            ("pid_t prev_pid", 24, 4, 1),
            ("struct task * prev", 32, 8, 0),
            ("bool preempt", 40, 1, 0),
            ("short odd", 43, 2, 1),
            ("u8 bytes[4]", 48, 4, 0),
        ],
    ),
    (
        "sched",
        "sched_process_exec",
        &[
            ("__data_loc char[] filename", 8, 4, 0),
            ("__rel_loc char[] last", 12, 4, 0),
            ("pid_t pid", 16, 4, 1),
        ],
    ),
];

impl Machine {
    pub(crate) fn new() -> Self {
        let machine = Self {
            root: tempfile::tempdir().expect("a temporary directory"),
        };
        for (id, (category, event, fields)) in EVENTS.iter().enumerate() {
            let lines: String = fields
                .iter()
                .map(|(text, offset, size, signed)| {
                    format!("\tfield:{text};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
                })
                .collect();
            let format = format!(
                "name: {event}\nID: {}\nformat:\n{COMMON}{lines}\n",
                300 + id
            );
            let path = format!("sys/kernel/tracing/events/{category}/{event}/format");
            machine.write(&path, format.as_bytes());
        }
        machine.write("sys/kernel/btf/vmlinux", &sample::kernel().bytes());
        machine.write("sys/bus/event_source/devices/kprobe/type", b"6\n");
        machine.write(
            "proc/kallsyms",
            b"ffffffff81000000 T vfs_read\nffffffff81000100 T vfs_write\nffffffff81000200 t wake\n\
              ffffffffc0000000 t ext4_sync_file\t[ext4]\n",
        );
        machine
    }

    /// The same with fentry and fexit of the functions that it has types of.
    pub(crate) fn with_trampolines() -> Self {
        let machine = Self::new();
        machine.write("proc/sys/kernel/osrelease", b"6.1.0\n");
        machine.write(
            "sys/kernel/tracing/available_filter_functions",
            b"vfs_read\nvfs_write\n",
        );
        machine
    }

    /// Puts a file below its root.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path().join(path);
        let directory = path.parent().expect("a file in a directory");
        std::fs::create_dir_all(directory).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }

    /// Takes a file or directory away.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };
        removed.expect("it was there");
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::at(self.path())
    }
}
