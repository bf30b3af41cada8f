//! Places inside of kernel functions: within the function, and where an instruction begins.

use crate::facts::elf::{LONGEST, Misplaced, is_boundary};
use crate::facts::{Facts, kernel_code};
use crate::report::Report;

/// What a breakpoint is in memory, `int3`: somebody else's probe stands there, and its instruction can't be told.
const BREAKPOINT: u8 = 0xcc;

/// More than any function is long; what is farther in is left to the kernel.
const FARTHEST: u64 = 1 << 20;

impl Facts {
    /// Can a kprobe stand `offset` bytes into a function, which is at `address` where its name doesn't say so? The kernel decodes it, too: what can't be told here, for want of
    /// rights or of /proc/kcore, is left to it.
    ///
    /// # Errors
    /// Behind the function's end, and inside of an instruction.
    pub(super) fn check_offset(
        &self,
        module: Option<&str>,
        name: &str,
        offset: u64,
        address: Option<u64>,
    ) -> Result<(), Report> {
        if offset == 0 {
            return Ok(());
        }
        let start = address.or_else(|| {
            let only = self.symbols().function(name);
            let only = only.filter(|of| module.is_none() || of.module.as_deref() == module);
            only.map(|of| of.address).filter(|address| *address != 0)
        });
        let Some((start, size)) = start.and_then(|at| Some((at, self.symbols().size_at(at)?)))
        else {
            return Ok(());
        };
        if offset >= size {
            return Err(
                Report::new(format!("{name}+{offset} is behind the function's end"))
                    .help(format!("the next function begins at {name}+{size}")),
            );
        }
        let length = offset.min(FARTHEST) + LONGEST;
        let code = kernel_code::read(&self.root, start, length as usize);
        let Some(code) = code.filter(|_| offset <= FARTHEST) else {
            return Ok(());
        };
        let before = code.get(..offset as usize).unwrap_or(&code);
        match is_boundary(&code, offset) {
            Err(Misplaced::Inside { start, next }) if !before.contains(&BREAKPOINT) => {
                let begins = |at| match at {
                    0 => format!("'{name}'"),
                    at => format!("'{name}+{at}'"),
                };
                let message = format!("{name}+{offset} is inside of an instruction");
                Err(Report::new(message).help(format!(
                    "instructions begin at {} and {}",
                    begins(start),
                    begins(next)
                )))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::fixture::Machine;
    use crate::facts::kernel_code::sample;

    #[test]
    fn offsets_are_decoded() {
        let machine = Machine::new();
        // push rbp; mov rbp, rsp; mov eax, 5; ret
        let code = [0x55, 0x48, 0x89, 0xe5, 0xb8, 5, 0, 0, 0, 0xc3];
        let check = |offset| {
            let checked = machine.facts().check_offset(None, "vfs_read", offset, None);
            checked.map_err(|report| report.to_string())
        };
        // Without /proc/kcore, the kernel decides.
        assert_eq!(check(2), Ok(()));
        machine.write("proc/kcore", &sample(0xffff_ffff_8100_0000, &code));
        assert_eq!(check(4), Ok(()));
        let inside = check(2).unwrap_err();
        assert!(inside.contains("'vfs_read+1' and 'vfs_read+4'"), "{inside}");
        let behind = check(0x100).unwrap_err();
        assert!(behind.contains("vfs_read+256"), "{behind}");
        assert_eq!(
            machine
                .facts()
                .check_offset(Some("ext4"), "vfs_read", 2, None),
            Ok(())
        );
    }

    #[test]
    fn behind_somebodys_breakpoint_nothing_can_be_told() {
        let machine = Machine::new();
        let code = [0xcc, 0x48, 0x89, 0xe5, 0xb8, 5, 0, 0, 0, 0xc3];
        machine.write("proc/kcore", &sample(0xffff_ffff_8100_0000, &code));
        assert_eq!(
            machine.facts().check_offset(None, "vfs_read", 2, None),
            Ok(())
        );
    }
}
