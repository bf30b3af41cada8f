//! `moontrace tools [QUERY]`: the tools that come with moontrace, by subject. Their headers are read, never their code.

use crate::collection::{self, Collection, Part};
use crate::lua::header::{Header, Level, SUBJECTS};
use crate::output::Format;
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
}
