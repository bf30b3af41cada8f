//! Where x86-64 instructions begin. A breakpoint inside of one would change what it does, and crash the program.

use iced_x86::{Decoder, DecoderOptions};

/// The longest that an instruction can be, in bytes (Intel's manual, volume 2, section 2.3.11).
pub const LONGEST: u64 = 15;

/// Why no breakpoint can stand at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// It is inside of the instruction from `start` to the next one at `next`, in bytes from where the code begins.
    Inside { start: u64, next: u64 },
    /// What stands at this offset, there or before, is no instruction.
    NoInstruction { at: u64 },
}

/// Does an instruction begin `offset` bytes into `code`? The code must begin with an instruction, and have [`LONGEST`]
/// bytes from `offset` on where there are so many.
pub fn is_boundary(code: &[u8], offset: u64) -> Result<(), Misplaced> {
    let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
    loop {
        let at = decoder.position() as u64;
        if at > offset || !decoder.can_decode() {
            return Err(Misplaced::NoInstruction { at });
        }
        if decoder.decode().is_invalid() {
            return Err(Misplaced::NoInstruction { at });
        }
        let next = decoder.position() as u64;
        if at == offset {
            return Ok(());
        }
        if next > offset {
            return Err(Misplaced::Inside { start: at, next });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_boundaries() {
        // push rbp; mov rbp, rsp; mov eax, 5; ret
        let code = [0x55, 0x48, 0x89, 0xe5, 0xb8, 5, 0, 0, 0, 0xc3];
        for boundary in [0, 1, 4, 9] {
            assert_eq!(is_boundary(&code, boundary), Ok(()));
        }
        let inside = |start, next| Err(Misplaced::Inside { start, next });
        assert_eq!(is_boundary(&code, 2), inside(1, 4));
        assert_eq!(is_boundary(&code, 8), inside(4, 9));
        assert_eq!(
            is_boundary(&code, 10),
            Err(Misplaced::NoInstruction { at: 10 })
        );
    }

    #[test]
    fn what_is_no_code_is_no_place() {
        // push es has no meaning in 64-bit code.
        let code = [0x90, 0x06, 0x90];
        assert_eq!(is_boundary(&code, 0), Ok(()));
        let none = Err(Misplaced::NoInstruction { at: 1 });
        assert_eq!(is_boundary(&code, 1), none);
        assert_eq!(is_boundary(&code, 2), none);
        assert_eq!(is_boundary(&[], 0), Err(Misplaced::NoInstruction { at: 0 }));
    }
}
