//! Strings that the library composes in the run's scratch.

use super::MapRef;
use super::function::Function;
use super::instruction::{R0, R1, R2, R3, R4, R7, When};
use crate::expr::tree::Composition;
use crate::expr::types::Space;

const PATH: &str = "lib_path";
const ARGUMENTS: &str = "lib_argv";
const IPV4: &str = "lib_ipv4";
const IPV6: &str = "lib_ipv6";
/// The functions that do it. A program that calls one gives the scratch back at its end.
pub(super) const COMPOSERS: [&str; 4] = [PATH, ARGUMENTS, IPV4, IPV6];

impl Function<'_> {
    /// r0 = the address of the string that is composed of what is at r0.
    pub(super) fn compose(&mut self, what: &Composition, room: u16) {
        self.asm.mov(R2, R0);
        self.asm.mov(R1, R7);
        self.asm.mov(R3, i32::from(room));
        match what {
            Composition::Path(offsets) => {
                let offset = self.asm.pattern(offsets);
                self.asm.map(R4, MapRef::Patterns { offset });
                self.asm.library(PATH);
            }
            Composition::Arguments => self.asm.library(ARGUMENTS),
            Composition::Ipv4 => self.asm.library(IPV4),
            Composition::Ipv6(space) => {
                self.asm.mov(R3, i32::from(*space == Space::User));
                self.asm.library(IPV6);
            }
        }
        self.asm.jump_if(When::Eq, R0, 0, self.fault);
    }
}
