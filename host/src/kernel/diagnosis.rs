//! What is done when the kernel refuses a program: it is loaded again with the lines it comes from, for a bug report.

use super::library::{Instance, Library, Origin};
use crate::sys::bpf::{ProgramType, ProgramTypes, btf_load, prog_load};
use aya_obj::btf::BtfFeatures;
use aya_obj::generated::bpf_line_info;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A program that the kernel didn't take. Where that is no lack of rights or memory, it is a bug of ours.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Rejection {
    #[source]
    pub error: io::Error,
    /// The verifier's log, with the script's own lines in it; empty when there is none.
    pub log: String,
}

/// Type information and lines of one instance, as the kernel takes them.
#[derive(Debug, Default)]
pub struct Lines {
    pub btf: Vec<u8>,
    /// `bpf_func_info` records.
    pub func_info: Vec<u8>,
    /// `bpf_line_info` records.
    pub line_info: Vec<u8>,
}

/// The bits of `line_col` below a line's number.
const LINE_NUMBER: u32 = 10;

/// Where a function of the library has its lines.
struct Source {
    /// Of its first instruction.
    function_type: u32,
    /// By instruction, in order.
    lines: Vec<bpf_line_info>,
}

impl Library {
    /// Loads a program. It goes without type information, which is dear; only for one that is refused it is made.
    pub fn load(
        &self,
        instance: &Instance,
        of: ProgramType,
        name: &str,
    ) -> Result<OwnedFd, Rejection> {
        prog_load(of, &instance.insns, name, None, None).map_err(|error| {
            let log = if error.raw_os_error() == Some(libc::EPERM) {
                String::new()
            } else {
                self.log(instance, of)
            };
            Rejection { error, log }
        })
    }

    /// The verifier's log of a program, accepted or not.
    pub fn log(&self, instance: &Instance, of: ProgramType) -> String {
        let lines = self.lines(instance);
        let btf = lines
            .as_ref()
            .and_then(|lines| btf_load(&lines.btf, None).ok());
        let types = lines
            .as_ref()
            .zip(btf.as_ref())
            .map(|(lines, btf)| ProgramTypes {
                btf: btf.as_fd(),
                func_info: &lines.func_info,
                line_info: &lines.line_info,
            });
        let mut log = Vec::new();
        // The answer is known; it is the log that is asked for.
        let _ = prog_load(of, &instance.insns, "diagnosis", types, Some(&mut log));
        let log = String::from_utf8_lossy(&log);
        log.lines()
            .map(without_number)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The lines of an instance: the library's own, and the labels of generated code. `None` when the object has none.
    pub fn lines(&self, instance: &Instance) -> Option<Lines> {
        let mut object = aya_obj::Object::parse(&self.bytes).ok()?;
        // What every kernel with BTF takes.
        let features = BtfFeatures::new(true, false, true, false, false, false, false, false);
        let mut btf = object.fixup_and_sanitize_btf(&features).ok()??.to_bytes();
        let sources = sources(&object);
        let mut labels: HashMap<&str, (u32, u32)> = HashMap::new();
        for body in &instance.bodies {
            if let Origin::Code { label, lines } = body {
                for text in std::iter::once(label).chain(lines.iter().map(|(_, text)| text)) {
                    if !labels.contains_key(text.as_str()) {
                        let place = (append_string(&mut btf, text)?, labels.len() as u32 + 1);
                        labels.insert(text.as_str(), place);
                    }
                }
            }
        }
        let mut lines = Lines {
            btf,
            ..Lines::default()
        };
        let function_type = match instance.bodies.first()? {
            Origin::Library(name) => sources.get(name)?.function_type,
            Origin::Code { .. } => return None,
        };
        lines.func_info.extend([0, 0, 0, 0]);
        lines.func_info.extend(function_type.to_le_bytes());
        let mut last = None;
        for (at, (body, insn)) in instance.origins.iter().enumerate() {
            let here = match instance.bodies.get(*body as usize)? {
                Origin::Library(name) => {
                    let lines = &sources.get(name)?.lines;
                    let behind = lines.partition_point(|line| line.insn_off <= *insn);
                    let line = lines.get(behind.saturating_sub(1))?;
                    (line.file_name_off, line.line_off, line.line_col)
                }
                Origin::Code { label, lines } => {
                    let part = lines.iter().rev().find(|(from, _)| *from <= *insn as usize);
                    let (text, number) =
                        *labels.get(part.map_or(label, |(_, text)| text).as_str())?;
                    // The kernel takes two with one number for the same line.
                    (0, text, number << LINE_NUMBER)
                }
            };
            if last == Some(here) {
                continue;
            }
            last = Some(here);
            for word in [at as u32, here.0, here.1, here.2] {
                lines.line_info.extend(word.to_le_bytes());
            }
        }
        Some(lines)
    }
}

/// Labels say their own place: newer kernels print the number behind that we gave them for want of a file.
fn without_number(line: &str) -> &str {
    match line.rsplit_once(" @ :") {
        Some((label, number))
            if line.starts_with("; ") && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            label
        }
        _ => line,
    }
}

fn sources(object: &aya_obj::Object) -> HashMap<String, Source> {
    let functions = object.functions.values().filter_map(|function| {
        let function_type = function.func_info.func_info.first()?.type_id;
        // Counted from the function's start in the sections of programs, from the section's in .text.
        let start = match object.programs.contains_key(&function.name) {
            true => 0,
            false => (function.section_offset / 8) as u32,
        };
        let lines = function
            .line_info
            .line_info
            .iter()
            .map(|line| bpf_line_info {
                insn_off: line.insn_off.saturating_sub(start),
                ..*line
            });
        Some((
            function.name.clone(),
            Source {
                function_type,
                lines: lines.collect(),
            },
        ))
    });
    functions.collect()
}

/// Appends to the strings of BTF, which are its last part; gives the string's offset among them.
fn append_string(btf: &mut Vec<u8>, text: &str) -> Option<u32> {
    /// `str_len` in `struct btf_header`.
    const LENGTH: std::ops::Range<usize> = 20..24;
    let length = u32::from_le_bytes(btf.get(LENGTH)?.try_into().ok()?);
    // One line of the log.
    btf.extend(
        text.bytes()
            .map(|byte| if byte < b' ' { b' ' } else { byte }),
    );
    btf.push(0);
    let longer = length + text.len() as u32 + 1;
    btf.get_mut(LENGTH)?.copy_from_slice(&longer.to_le_bytes());
    Some(length)
}
