//! A small program to read: with functions, debug information and USDT notes, compiled by the tests.

use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Notes as `sys/sdt.h` writes them (systemtap's UserSpaceProbeImplementation).
const SOURCE: &str = r#"
#include <stdbool.h>
#include <stdint.h>
#define NOTE(semaphore, name, arguments, ...) \
  __asm__ __volatile__ ("990: nop\n" \
    ".pushsection .note.stapsdt,\"?\",\"note\"\n.balign 4\n" \
    ".4byte 992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
    "993: .8byte 990b, _.stapsdt.base, " semaphore "\n" \
    ".asciz \"sample\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n" \
    "994: .balign 4\n.popsection\n" \
    ".ifndef _.stapsdt.base\n.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
    ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n" \
    ".size _.stapsdt.base,1\n.popsection\n.endif" :: __VA_ARGS__)

unsigned short sample_semaphore __attribute__((section(".probes"), used));
int sample_global = 7;
enum color { RED, GREEN = 5 };
struct pair { int a, b; };
struct large { long words[4]; };
typedef const char *string;

__attribute__((noinline)) int sample_named(int number, string text, bool flag, enum color color,
    uint8_t byte, struct pair *pair, unsigned long seventh, const unsigned char *bytes) {
  NOTE("0", "enter", "-4@%0 8@%1 4@$5 -1@8(%%rdx,%%rcx,4) 8f@%%xmm0", "r"(number), "r"(text));
  return number + flag + color + byte + pair->a + (int)seventh + bytes[0] + text[0];
}
__attribute__((noinline)) struct large sample_large(long first, double skipped, int second) {
  NOTE("sample_semaphore", "twice", "-4@%0", "m"(second));
  struct large made = { { first, second, (long)skipped, 0 } };
  return made;
}
__attribute__((noinline)) void sample_by_value(int first, struct pair pair, int last) {
  NOTE("sample_semaphore", "twice", "4@sample_global(%%rip)", "r"(last));
  sample_global = first + pair.a + last;
}
int main(int argc, char **argv) {
  struct pair pair = { argc, 2 };
  sample_large(argc, 1.5, 2);
  sample_by_value(1, pair, 2);
  return sample_named(argc, argv[0], true, GREEN, 3, &pair, 7, (unsigned char *)argv[0]);
}
"#;

/// The compiled program, in a directory that goes with the value.
pub(crate) struct Sample {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Sample {
    /// Compiled with debug information, and with other options of the C compiler.
    pub(crate) fn compile(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (source, path) = (
            directory.path().join("sample.c"),
            directory.path().join("sample"),
        );
        std::fs::write(&source, SOURCE).unwrap();
        let mut command = Command::new("cc");
        command.args(["-g", "-O1", "-o"]).args([&path, &source]);
        let output = command.args(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Self {
            _directory: directory,
            path,
        }
    }
}
