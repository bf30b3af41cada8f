//! `moontrace tools [QUERY]`: the tools that come with moontrace, by subject. Their headers are read, never their code.

use crate::collection::{self, Collection, Part};
use crate::lua::header::{Header, SUBJECTS};
use crate::output::Format;
use crate::permission::Level;
use crate::report::Report;
use std::fmt::Write;

struct Tool {
    name: String,
    header: Header,
}

impl Tool {
    /// Is each word of a query somewhere in its header?
    fn matches(&self, query: &[String]) -> bool {
        let header = &self.header;
        let texts = [&header.summary].into_iter();
        let texts = texts.chain(&header.subjects).chain(&header.description);
        let mut text = format!("{} {}", self.name, self.level());
        for more in texts {
            text.push(' ');
            text.push_str(more);
        }
        let text = text.to_lowercase();
        query.iter().all(|word| text.contains(&word.to_lowercase()))
    }

    fn level(&self) -> &'static str {
        self.header.level.map_or("", Level::word)
    }

    /// It is shown under the first of its subjects.
    fn is_about(&self, subject: &str) -> bool {
        self.header.subjects.first().is_some_and(|of| of == subject)
    }
}

/// The tools that every word of the query is said of, as text or a line of JSON each: `{"name","summary","subjects","level","usage"}`.
///
/// # Errors
/// When there is none.
pub(super) fn tools(query: &[String], format: Format) -> Result<String, Report> {
    let mut found = all()?;
    found.retain(|tool| tool.matches(query));
    if found.is_empty() {
        let query = query.join(" ");
        let help = collection::meant(&query)
            .unwrap_or_else(|| format!("subjects are {}", SUBJECTS.join(", ")));
        return Err(Report::new(format!("no tool is about '{query}'")).help(help));
    }
    Ok(match format {
        Format::Text => by_subject(&found),
        Format::Json => found.iter().map(json).collect(),
    })
}

fn all() -> Result<Vec<Tool>, Report> {
    let names = Collection::Builtin.names(Part::Tool).into_iter();
    let tools = names.filter_map(|name| Some((collection::tool(&name)?, name)));
    let tool = |(source, name): (collection::Source, String)| {
        let file = source.file.as_str().into();
        let header = Header::parse(&file, &source.text);
        let header = header.map_err(|mut reports| reports.remove(0))?;
        Ok(Tool { name, header })
    };
    tools.map(tool).collect()
}

fn by_subject(tools: &[Tool]) -> String {
    let widest = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for subject in SUBJECTS {
        let mut about = tools
            .iter()
            .filter(|tool| tool.is_about(subject))
            .peekable();
        if about.peek().is_some() {
            let _ = writeln!(text, "{subject}");
        }
        for tool in about {
            let (name, level, summary) = (&tool.name, tool.level(), &tool.header.summary);
            let _ = writeln!(text, "  {name:widest$}  {level:9}  {summary}");
        }
    }
    text
}

fn json(tool: &Tool) -> String {
    let Header {
        summary,
        subjects,
        usage,
        ..
    } = &tool.header;
    let (name, level) = (&tool.name, tool.level());
    let line = serde_json::json!({
        "name": name, "summary": summary, "subjects": subjects, "level": level, "usage": usage,
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_found_by_what_their_headers_say() {
        let tools = |query: &[&str]| {
            let query: Vec<String> = query.iter().map(|word| word.to_string()).collect();
            tools(&query, Format::Text)
        };
        let files = tools(&["FILES", "open"]).unwrap();
        assert!(
            files.starts_with("files\n") && files.contains("  opensnoop "),
            "{files}"
        );
        assert!(!files.contains("hello"), "{files}");
        assert_eq!(tools(&[]).unwrap().matches(" opensnoop ").count(), 1);
        let none = tools(&["opensnop"]).unwrap_err();
        assert_eq!(none.help.unwrap(), "did you mean 'opensnoop'?");
    }

    #[test]
    fn every_tool_is_listed_and_explained() {
        for tool in all().unwrap() {
            let Tool { name, header } = &tool;
            assert!(header.summary.ends_with('.'), "{name}: {header:?}");
            assert!(
                !header.subjects.is_empty() && header.level.is_some(),
                "{name}: {header:?}"
            );
            let usage = |usage: &String| usage.split(' ').next() == Some(name);
            assert!(
                !header.usage.is_empty() && header.usage.iter().all(usage),
                "{name}: {header:?}"
            );
            let example = |example: &String| example.split(' ').next() == Some(name);
            assert!(
                !header.examples.is_empty() && header.examples.iter().all(example),
                "{name}: {header:?}"
            );
        }
    }

    /// The words behind a tool's name that are the tool's own.
    fn own_words(header: &Header, words: &[String]) -> Vec<String> {
        const TAKEN: [&str; 5] = ["-c", "-p", "-o", "--duration", "--format"];
        let mut own = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match TAKEN.contains(&word.as_str()) && header.option(word).is_none() {
                true => drop(words.next()),
                false => own.push(word.clone()),
            }
        }
        own
    }

    /// A line of an example, but for the numbers of the day and the bars that show them.
    fn without_numbers(line: &str) -> String {
        let words = line.split_whitespace().map(|word| {
            let parts = word.split(|c: char| c.is_ascii_digit() || c == '@');
            parts.filter(|part| !part.is_empty()).collect::<String>()
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Below each question stand commands of tools that there are, and what their tests saw them print.
    #[test]
    fn the_gallery_shows_what_tools_print() {
        let page = include_str!("../../../scripts/README.md");
        let gallery = page.lines().skip_while(|line| *line != "## Questions");
        let gallery = gallery.skip(1).take_while(|line| !line.starts_with("## "));
        let tools = all().unwrap();
        let mut example: Option<String> = None;
        let mut quoted = 0;
        for line in gallery {
            let Some(line) = line.strip_prefix("    ") else {
                example = example.filter(|_| line.is_empty());
                continue;
            };
            if let Some(command) = line.strip_prefix("moontrace ") {
                let words = shlex::split(command).unwrap_or_default();
                let named = |tool: &&Tool| words.first() == Some(&tool.name);
                let tool = tools.iter().find(named);
                let tool = tool.unwrap_or_else(|| panic!("no such tool: {command}"));
                let own = own_words(&tool.header, &words[1..]);
                if let Err(report) = crate::lua::options::parse(&tool.header, &own) {
                    panic!("{command}: {report}");
                }
                let found = Collection::Builtin.get(Part::Example, &tool.name);
                let text = found.unwrap().map(|source| source.text);
                example = Some(text.unwrap_or_else(|| panic!("no example of {}", tool.name)));
            } else if line != "…" {
                let example = example.as_ref();
                let example = example.unwrap_or_else(|| panic!("no command before: {line}"));
                let there = example
                    .lines()
                    .any(|there| without_numbers(there) == without_numbers(line));
                assert!(there, "no such line in the example:\n{line}\n{example}");
                quoted += 1;
            }
        }
        assert!(quoted > 0);
    }
}
