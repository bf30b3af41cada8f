//! What a script may see of the machine beside its probes, and modules.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::modules;
use crate::permission::Permission;
use mlua::Value;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

/// Where the kernel shows its state.
const READABLE: [&str; 2] = ["/proc", "/sys"];

/// Bytes of a file that are read at most.
const LONGEST: u64 = 16 << 20;

fn readfile(call: &Call<'_>) -> mlua::Result<Value> {
    let path = call.text(0, "the path of a file in /proc or /sys")?;
    if !is_readable(Path::new(&path)) {
        return Err(call.fail(format!(
            "readfile reads files of /proc and /sys only, not '{path}'"
        )));
    }
    let session = &call.script.session;
    call.check(session.permit(&Permission::Read(path.clone())))?;
    if tells_arguments(Path::new(&path)) {
        call.check(session.permit(&Permission::Arguments))?;
    }
    match read(&path) {
        Some(bytes) => Ok(Value::String(call.lua.create_string(bytes)?)),
        None => Ok(Value::Nil),
    }
}

/// The text of one of the kernel's files, without its last newline: one line is wanted without its end, so are all others.
pub(crate) fn read(path: &str) -> Option<Vec<u8>> {
    if !is_readable(Path::new(path)) {
        return None;
    }
    // Some of those files wait for news, which would stop the trace.
    let mut options = File::options();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut bytes = Vec::new();
    file.ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Some(bytes)
}

/// Is it one of the files in which /proc has what a program was started with?
fn tells_arguments(path: &Path) -> bool {
    let name = path.file_name().and_then(std::ffi::OsStr::to_str);
    path.starts_with("/proc") && matches!(name, Some("cmdline" | "environ"))
}

/// In one of the places, by its name and, when it is a link (`/proc/self/root`), by where it leads.
fn is_readable(path: &Path) -> bool {
    let inside = |path: &Path| READABLE.iter().any(|root| path.starts_with(root));
    let plain = path.components().all(|part| part != Component::ParentDir);
    let target = path.canonicalize();
    plain && inside(path) && target.map_or(true, |target| inside(&target))
}

/// The name of what an address is in: of the kernel, or of a process by its number.
fn ksym(call: &Call<'_>) -> mlua::Result<Value> {
    symbol(call, None)
}

fn usym(call: &Call<'_>) -> mlua::Result<Value> {
    let pid = call.integer(1, "an address and a process: usym(e.args.ptr, e.pid)")?;
    let pid = u32::try_from(pid).map_err(|_| call.fail(format!("there is no process {pid}")))?;
    call.check(call.script.session.permit(&Permission::Stacks))?;
    symbol(call, Some(pid))
}

fn symbol(call: &Call<'_>, process: Option<u32>) -> mlua::Result<Value> {
    let address = call.integer(0, "an address")? as u64;
    let session = &call.script.session;
    let frame = session.symbol(address, process, session.now());
    Ok(Value::String(call.lua.create_string(frame.name())?))
}

fn cgroupid(call: &Call<'_>) -> mlua::Result<Value> {
    let path = call.text(0, "the path of a cgroup")?;
    call.check(call.script.session.permit(&Permission::Read(path.clone())))?;
    match call.script.session.cgroup(&path) {
        Some(id) => Ok(Value::Integer(id as i64)),
        None => {
            let help = "it is a folder below a mount of cgroup2, such as /sys/fs/cgroup/user.slice";
            Err(call.fail_with_help(format!("'{path}' is no cgroup"), Some(help.to_owned())))
        }
    }
}

fn require(call: &Call<'_>) -> mlua::Result<Value> {
    let name = call.text(0, "a module's name")?;
    let script = &call.script;
    modules::require(call.lua, &name, &script.chunks, &script.modules)
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "The machine and modules.",
    functions: &[
        Entry {
            name: "readfile",
            signature: "readfile(path)",
            doc: "The text of a file in /proc or /sys, without its last newline; nil when it can't be read.",
            takes: &[("path", "string")],
            gives: "string?",
            example: r#"print(readfile "/proc/loadavg")"#,
            function: readfile,
        },
        Entry {
            name: "ksym",
            signature: "ksym(address)",
            doc: "The name of the kernel's function that an address is in; the address itself where that is not known.",
            takes: &[("address", "integer")],
            gives: "string",
            example: r#"probe "tracepoint:exceptions:page_fault_kernel"
  :on(function(e) print(ksym(e.args.ip)) end)"#,
            function: ksym,
        },
        Entry {
            name: "usym",
            signature: "usym(address, pid)",
            doc: "The name of the function that an address of a process is in; where that is not known its module and where in it, or the address itself.",
            takes: &[("address", "integer"), ("pid", "integer")],
            gives: "string",
            example: r#"probe "tracepoint:exceptions:page_fault_user"
  :on(function(e) print(e.comm, usym(e.args.ip, e.pid)) end)"#,
            function: usym,
        },
        Entry {
            name: "cgroupid",
            signature: "cgroupid(path)",
            doc: "The number that `cgroup` gives in texts, of the cgroup (version 2) with that folder: `set{ cgroupid \"/sys/fs/cgroup/user.slice\" }`.",
            takes: &[("path", "string")],
            gives: "integer",
            example: r#"local users = set{ cgroupid "/sys/fs/cgroup/user.slice" }
probe "tracepoint:syscalls:sys_exit_openat"
  :within(users, "cgroup") :print "comm, args.filename""#,
            function: cgroupid,
        },
        Entry {
            name: "require",
            signature: "require(name)",
            doc: "A module: `json`, or the value of `lib/NAME.lua` beside the script.",
            takes: &[("name", "string")],
            gives: "any",
            example: r#"local text = require "text"
print(text.hexdump "some bytes")"#,
            function: require,
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_files_can_be_read() {
        for path in ["/proc/loadavg", "/sys/kernel", "/proc/no/such/file"] {
            assert!(is_readable(Path::new(path)), "{path}");
        }
        for path in [
            "/etc/passwd",
            "/proc/../etc/passwd",
            "/proc/self/root/etc/passwd",
            "proc/x",
            "/process",
        ] {
            assert!(!is_readable(Path::new(path)), "{path}");
        }
    }
}
