//! What `moontrace FILE -h` shows.

use crate::lua::header::{Header, OptionSpec};
use std::fmt::Write;

const WIDTH: usize = 80;
/// A longer form gets a line of its own.
const WIDEST_FORM: usize = 30;

/// moontrace's own options that may stand behind FILE.
const COMMON: [(&str, &str); 5] = [
    ("-p", "-p PID"),
    ("-c", "-c CMD"),
    ("-o", "-o FILE"),
    ("--duration", "--duration TIME"),
    ("--format", "--format text|json"),
];

/// The header as a page of at most 80 columns. `name` is what the script is called.
pub fn help(header: &Header, name: &str) -> String {
    let mut page = String::new();
    if !header.summary.is_empty() {
        paragraph(&mut page, &header.summary, 0);
        page.push('\n');
    }
    if header.usage.is_empty() {
        let _ = writeln!(
            page,
            "Usage: {name}{}",
            if header.options.is_empty() {
                ""
            } else {
                " [OPTIONS]"
            }
        );
    }
    for usage in &header.usage {
        let _ = writeln!(page, "Usage: {usage}");
    }
    if !header.options.is_empty() {
        page.push('\n');
        options(&mut page, &header.options);
    }
    if !header.description.is_empty() {
        let _ = write!(page, "\n{}\n", header.description.join("\n").trim_end());
    }
    for (index, example) in header.examples.iter().enumerate() {
        let _ = writeln!(
            page,
            "{}Example: {example}",
            if index == 0 { "\n" } else { "" }
        );
    }
    let common: Vec<&str> = COMMON
        .into_iter()
        .filter(|(option, _)| header.option(option).is_none())
        .map(|(_, form)| form)
        .collect();
    if !common.is_empty() {
        page.push('\n');
        paragraph(
            &mut page,
            &format!("As with every script: {}", common.join(", ")),
            0,
        );
    }
    page
}

fn options(page: &mut String, options: &[OptionSpec]) {
    let forms: Vec<String> = options.iter().map(form).collect();
    let column = forms
        .iter()
        .map(|form| form.chars().count())
        .filter(|width| *width <= WIDEST_FORM)
        .max();
    let column = column.unwrap_or(WIDEST_FORM) + 5;
    for (option, form) in options.iter().zip(forms) {
        let text = match &option.default {
            Some(default) => format!("{} [{default}]", option.text),
            None => option.text.clone(),
        };
        let _ = write!(page, "  {form}");
        let used = 2 + form.chars().count();
        if used + 3 > column {
            page.push('\n');
        }
        let pad = if used + 3 > column {
            column
        } else {
            column - used
        };
        let _ = write!(page, "{:pad$}", "");
        paragraph(page, &text, column);
    }
}

/// `-n, --name GLOB`; without a short name, the long one stands below the others.
fn form(option: &OptionSpec) -> String {
    let mut form = match (option.short, &option.long) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("    --{long}"),
        (None, None) => String::new(),
    };
    if let Some(placeholder) = &option.placeholder {
        if !form.is_empty() {
            form.push(' ');
        }
        form.push_str(placeholder);
        if option.list {
            form.push_str("...");
        }
    }
    form
}

/// Words up to the page's width; lines after the first are indented.
fn paragraph(page: &mut String, text: &str, indent: usize) {
    let mut used = indent;
    for (index, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if index > 0 && used + 1 + width > WIDTH {
            let _ = write!(page, "\n{:indent$}", "");
            used = indent;
        } else if index > 0 {
            page.push(' ');
            used += 1;
        }
        page.push_str(word);
        used += width;
    }
    page.push('\n');
}
