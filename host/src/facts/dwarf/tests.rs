//! Compilers' own output, read.

use super::{Debug, Function, Place, Returned};
use crate::expr::types::{Int, Type};
use crate::facts::elf::Binary;
use crate::facts::elf::sample::Sample;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

fn function(debug: &Debug, binary: &Path, name: &str) -> Option<Rc<Function>> {
    let binary = Binary::open(binary).unwrap();
    debug
        .function_at(binary.symbol(name).unwrap().offset)
        .unwrap()
}

fn sample(options: &[&str]) -> (Sample, Debug) {
    let sample = Sample::compile(options);
    let debug = Debug::of(&sample.path, &[]).unwrap();
    (sample, debug)
}

/// `name: type @ place` of each parameter.
fn parameters(of: &Function) -> Vec<String> {
    let all = of.parameters.iter();
    all.map(|parameter| {
        let place = match &parameter.place {
            Place::Register(number) => format!("register {number}"),
            Place::Stack(slot) => format!("stack {slot}"),
            Place::Nowhere(why) => why.clone(),
        };
        format!("{}: {} @ {place}", parameter.name, parameter.ty)
    })
    .collect()
}

#[test]
fn parameters_have_names_types_and_places() {
    for options in [
        &["-gdwarf-2"][..],
        &["-gdwarf-3", "-O0"],
        &["-gdwarf-4", "-gz"],
        &["-gdwarf-5", "-O2", "-fpie", "-pie"],
    ] {
        let (sample, debug) = sample(options);
        let named = function(&debug, &sample.path, "sample_named").unwrap();
        assert_eq!(
            parameters(&named),
            [
                "number: i32 @ register 0",
                "text: char * (user) @ register 1",
                "flag: truth value @ register 2",
                "color: enum color @ register 3",
                "byte: u8 @ register 4",
                "pair: struct pair * (user) @ register 5",
                "seventh: u64 @ stack 0",
                "bytes: char * (user) @ stack 1",
            ],
            "{options:?}"
        );
        assert_eq!(named.returns, Returned::Value(Type::Int(Int::I32)));
    }
}

#[test]
fn a_large_result_takes_a_register() {
    let (sample, debug) = sample(&[]);
    let large = function(&debug, &sample.path, "sample_large").unwrap();
    assert_eq!(
        parameters(&large),
        [
            "first: i64 @ register 1",
            "skipped: void @ it is a floating-point number",
            "second: i32 @ register 2"
        ]
    );
    let Returned::Elsewhere(what) = &large.returns else {
        panic!("{large:?}")
    };
    assert_eq!(what, "struct large by value");
}

#[test]
fn a_struct_by_value_is_refused_and_what_the_compiler_says_of_others_stays() {
    let (sample, debug) = sample(&["-O0"]);
    let by_value = function(&debug, &sample.path, "sample_by_value").unwrap();
    let [first, pair, last] = &parameters(&by_value)[..] else {
        panic!("{by_value:?}")
    };
    assert_eq!(first, "first: i32 @ register 0");
    assert_eq!(pair, "pair: struct pair @ it is struct pair by value");
    assert!(last.contains("behind struct pair by value"), "{last}");
    // With optimisation, locations say where it is.
    let sample = Sample::compile(&["-O2"]);
    let debug = Debug::of(&sample.path, &[]).unwrap();
    let by_value = function(&debug, &sample.path, "sample_by_value").unwrap();
    assert_eq!(parameters(&by_value)[2], "last: i32 @ register 2");
}

#[test]
fn members_of_structs_are_known() {
    let (sample, debug) = sample(&[]);
    let named = function(&debug, &sample.path, "sample_named").unwrap();
    let Type::Pointer { to, .. } = &named.parameters[5].ty else {
        panic!("{named:?}")
    };
    let Type::Struct(pair) = to.as_ref() else {
        panic!("{to}")
    };
    assert_eq!(debug.member_names(pair), ["a", "b"]);
    let member = debug.member(pair, "b").unwrap();
    assert_eq!((member.bit_offset, member.width), (32, None));
    assert_eq!(debug.size(to), Some(8));
    let same = debug.type_named(&named, "struct pair");
    assert_eq!(same.as_ref(), Some(to.as_ref()));
    let string = debug.type_named(&named, "string").unwrap();
    assert_eq!(string.to_string(), "char * (user)");
    assert_eq!(debug.type_named(&named, "union pair"), None);
    assert_eq!(debug.enumerator(&named, "GREEN"), Some(5));
    assert_eq!(debug.enumerator(&named, "BLUE"), None);
}

#[test]
fn lines_alone_say_nothing_of_arguments() {
    let (sample, debug) = sample(&["-g1"]);
    assert_eq!(function(&debug, &sample.path, "sample_named"), None);
}

#[test]
fn a_file_of_its_own_is_found_as_gdb_finds_it() {
    let sample = Sample::compile(&["-Wl,--build-id"]);
    let directory = sample.path.parent().unwrap();
    let run = |program: &str, arguments: &[&Path]| {
        let status = Command::new(program).args(arguments).status().unwrap();
        assert!(status.success());
    };
    let (debug, stripped) = (directory.join("sample.debug"), directory.join("stripped"));
    run(
        "objcopy",
        &["--only-keep-debug".as_ref(), &sample.path, &debug],
    );
    run(
        "strip",
        &["-g".as_ref(), "-o".as_ref(), &stripped, &sample.path],
    );
    let Err(none) = Debug::of(&stripped, &[]) else {
        panic!("it has none")
    };
    assert!(none.to_string().contains("no debug information"), "{none}");
    // By the build id, below the second root.
    let root = directory.join("root");
    let Err(report) = Debug::of(&stripped, &[directory.join("none"), root.clone()]) else {
        panic!("it has none")
    };
    let help = report.help.unwrap();
    let place = PathBuf::from(help.strip_prefix("a file with it would be ").unwrap());
    assert!(
        place.starts_with(root.join("usr/lib/debug/.build-id")),
        "{help}"
    );
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::copy(&debug, &place).unwrap();
    let found = Debug::of(&stripped, &[directory.join("none"), root]).unwrap();
    assert_eq!(found.path(), place);
    assert!(function(&found, &stripped, "sample_named").is_some());
    // By name, beside it, and not when it is another program's.
    let linked = directory.join("linked");
    let link = format!("--add-gnu-debuglink={}", debug.display());
    run("objcopy", &[link.as_ref(), &stripped, &linked]);
    assert_eq!(Debug::of(&linked, &[]).unwrap().path(), debug);
    let other = Sample::compile(&["-O2", "-Wl,--build-id"]);
    std::fs::copy(&other.path, &debug).unwrap();
    assert!(Debug::of(&linked, &[]).is_err());
}
