//! `moontrace tools [QUERY]`: the tools at hand, by subject. Their headers are read, never their code.

use super::about::Tool;
use super::query::Query;
use crate::collection::manifest::OURS;
use crate::collection::store::Store;
use crate::collection::{self, Collection, Part};
use crate::lua::header::SUBJECTS;
use crate::output::Format;
use crate::report::Report;
use crate::rows::escape::printable;
use std::fmt::Write;

/// Where those are listed that say nothing of what they are about.
const OTHERS: &str = "others";

/// A tool and whose it is.
struct Listed {
    tool: Tool,
    collection: String,
}

impl Listed {
    /// Is that word said of it? In names it may stand anywhere, elsewhere where a word begins.
    fn says(&self, word: &str) -> bool {
        let header = &self.tool.header;
        let names = [&self.tool.name, &self.collection];
        let texts = header.subjects.iter().chain(&header.description);
        let texts = texts.chain([&header.summary]).map(String::as_str);
        let mut texts = texts.chain([self.tool.level().word()]);
        names.iter().any(|name| name.to_lowercase().contains(word))
            || texts.any(|text| begins_a_word(&text.to_lowercase(), word))
    }

    /// It is shown under the first of its subjects.
    fn is_about(&self, subject: &str) -> bool {
        let first = self.tool.header.subjects.first();
        first.map_or(OTHERS, String::as_str) == subject
    }
}

fn begins_a_word(text: &str, word: &str) -> bool {
    let mut found = text.match_indices(word);
    found.any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// The tools that the query holds for, as text or a line of JSON each:
/// `{"collection","name","summary","subjects","level","permissions","usage"}`; and why others can't be read.
///
/// # Errors
/// When there is none, or the query is malformed.
pub(super) fn tools(query: &[String], format: Format) -> Result<(String, Vec<Report>), Report> {
    let query = query.join(" ");
    let asked = Query::parse(&query)?;
    let (mut found, missing) = all();
    found.retain(|listed| asked.holds(&|word| listed.says(word)));
    if found.is_empty() {
        let help = collection::meant(&query)
            .unwrap_or_else(|| format!("subjects are {}", SUBJECTS.join(", ")));
        return Err(Report::new(format!("no tool is about '{query}'")).help(help));
    }
    let text = match format {
        Format::Text => by_subject(&found),
        Format::Json => found.iter().map(json).collect(),
    };
    Ok((text, missing))
}

/// All that can be read, those of the binary first; and why others can't.
fn all() -> (Vec<Listed>, Vec<Report>) {
    let installed = Store::of_user().map_or(Ok(Vec::new()), |store| store.all());
    let (installed, mut missing) = match installed {
        Ok(installed) => (installed, Vec::new()),
        Err(report) => (Vec::new(), vec![report]),
    };
    let ours = (OURS.to_owned(), Collection::Builtin);
    let others = installed
        .into_iter()
        .map(|shared| (shared.name.clone(), shared.into()));
    let mut found = Vec::new();
    for (name, collection) in std::iter::once(ours).chain(others) {
        for tool in collection.names(Part::Tool) {
            match read(&name, &collection, &tool) {
                Ok(listed) => found.extend(listed),
                Err(report) => missing.push(report),
            }
        }
    }
    (found, missing)
}

fn read(name: &str, collection: &Collection, tool: &str) -> Result<Option<Listed>, Report> {
    let Some(source) = collection.get(Part::Tool, tool)? else {
        return Ok(None);
    };
    let full = match collection {
        Collection::Shared(shared) => shared.full_name(tool),
        _ => tool.to_owned(),
    };
    let tool = Tool::read(full, &source)?;
    let collection = name.to_owned();
    Ok(Some(Listed { tool, collection }))
}

fn by_subject(tools: &[Listed]) -> String {
    let widest = tools.iter().map(|listed| listed.tool.name.len()).max();
    let widest = widest.unwrap_or(0);
    let mut text = String::new();
    for subject in SUBJECTS.into_iter().chain([OTHERS]) {
        let mut about = tools
            .iter()
            .filter(|tool| tool.is_about(subject))
            .peekable();
        if about.peek().is_some() {
            let _ = writeln!(text, "{subject}");
        }
        for Listed { tool, .. } in about {
            let (name, level) = (&tool.name, tool.level().word());
            let summary = printable(tool.header.summary.as_bytes());
            let _ = writeln!(text, "  {name:widest$}  {level:9}  {summary}");
        }
    }
    text
}

fn json(listed: &Listed) -> String {
    let Listed { tool, collection } = listed;
    let header = &tool.header;
    let permissions = header.permissions.iter().map(ToString::to_string);
    let line = serde_json::json!({
        "collection": collection,
        "name": tool.name,
        "summary": header.summary,
        "subjects": header.subjects,
        "level": tool.level().word(),
        "permissions": permissions.collect::<Vec<String>>(),
        "usage": header.usage,
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::header::Header;
    use crate::permission::Permission;

    #[test]
    fn tools_are_found_by_what_their_headers_say() {
        let tools = |query: &[&str]| {
            let query: Vec<String> = query.iter().map(|word| word.to_string()).collect();
            tools(&query, Format::Text).map(|(text, _)| text)
        };
        let files = tools(&["FILES", "open"]).unwrap();
        assert!(
            files.starts_with("files\n") && files.contains("  opensnoop "),
            "{files}"
        );
        assert!(!files.contains("hello"), "{files}");
        assert_eq!(tools(&[]).unwrap().matches(" opensnoop ").count(), 1);
        let net = tools(&["net and not heavy"]).unwrap();
        assert!(
            net.contains("  tcplife ") && !net.contains("opensnoop"),
            "{net}"
        );
        let both = tools(&["(files", "or", "network)", "snoop"]).unwrap();
        assert!(
            both.contains("  opensnoop ") && !both.contains("tcplife"),
            "{both}"
        );
        let none = tools(&["opensnop"]).unwrap_err();
        assert_eq!(none.help.unwrap(), "did you mean 'opensnoop'?");
    }

    #[test]
    fn every_tool_is_listed_and_explained() {
        for listed in all().0 {
            let Tool { name, header } = &listed.tool;
            assert!(header.summary.ends_with('.'), "{name}: {header:?}");
            assert!(
                !header.subjects.is_empty() && header.level.is_some(),
                "{name}: {header:?}"
            );
            assert!(declares_probes(header), "{name}: {header:?}");
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

    fn declares_probes(header: &Header) -> bool {
        let mut declared = header.permissions.iter();
        declared.any(|one| matches!(one, Permission::Probes(_)))
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
        let tools = all().0;
        let mut example: Option<String> = None;
        let mut quoted = 0;
        for line in gallery {
            let Some(line) = line.strip_prefix("    ") else {
                example = example.filter(|_| line.is_empty());
                continue;
            };
            if let Some(command) = line.strip_prefix("moontrace ") {
                let words = shlex::split(command).unwrap_or_default();
                let named = |listed: &&Listed| words.first() == Some(&listed.tool.name);
                let tool = tools.iter().find(named);
                let tool = &tool
                    .unwrap_or_else(|| panic!("no such tool: {command}"))
                    .tool;
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
