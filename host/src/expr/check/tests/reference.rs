//! The reference of the language says what is so.

use crate::expr::check::OPERATIONS;
use crate::expr::parse::{self, LENGTH, NESTING};
use crate::spec::{Room, SET_KEYS, Span};
use moontrace_abi::limits::*;
use moontrace_abi::stack::FRAMES;

const REFERENCE: &str = include_str!("../../../../../lua-stdlib/EXPRESSIONS.md");

#[test]
fn its_examples_are_texts() {
    let examples = REFERENCE.split("```expr\n").skip(1);
    let lines = examples.filter_map(|example| example.split("```").next());
    let lines: Vec<&str> = lines.flat_map(str::lines).collect();
    assert!(lines.len() > 15);
    for line in lines {
        parse::expression(line).unwrap_or_else(|report| panic!("{report}"));
    }
}

/// Each with what stands behind it: a function its bracket, a word or operator the end of the code.
#[test]
fn it_names_all_that_the_language_knows() {
    use crate::expr::known;
    let functions = known::functions().iter().chain(known::columns());
    let functions = functions.map(|function| format!("`{}(", function.name));
    let words = known::words().map(|word| word.known.form.to_owned());
    let operators = known::operators().map(|operator| operator.name.replace('|', "\\|"));
    // `arg0, arg1, …`
    let alone = words.chain(operators).map(|word| {
        let first = word.split(',').next().unwrap_or_default();
        format!("`{first}`")
    });
    for code in functions.chain(alone) {
        assert!(REFERENCE.contains(&code), "nothing of {code}");
    }
}

#[test]
fn its_limits_are_the_limits() {
    let (_, table) = REFERENCE.split_once("| | limit |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let stated: Vec<usize> = rows
        .map(|row| row.rsplit('|').nth(1).unwrap().trim().parse().unwrap())
        .collect();
    let limits = [
        LENGTH,
        NESTING,
        OPERATIONS,
        i16::MAX as usize,
        STRING,
        KEY_STRING,
        LONGEST_STRING,
        COMPARED_STRING,
        STRING,
        PATH,
        COMPONENTS,
        ARGV,
        ARGUMENTS,
        BUFFER,
        PATTERN,
        SET_KEY,
        SET_KEYS as usize,
        KEY_PARTS,
        KEY,
        COLUMNS,
        ROW,
        Room::default().keys as usize,
        Room::default().stacks as usize,
        FRAMES,
        SPAN_FIELDS,
        SPAN,
        Span::KEYS as usize,
        FIELDS,
        RECORD,
        VARIABLE_STRING,
        VARIABLES,
    ];
    assert_eq!(stated, limits);
}
