//! Where a collection may be from: what git takes, but for programs that a URL could name.

use crate::report::{Report, did_you_mean};
use std::path::Path;

/// Those that git speaks itself.
pub(super) const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// A URL, `[USER@]HOST:PATH`, or a path, which becomes absolute.
///
/// # Errors
/// When it would be an option, names another transport, or is a path that leads nowhere.
pub fn source(text: &str) -> Result<String, Report> {
    let refused = |message: String| Err(Report::new(message));
    if text.is_empty() || text.starts_with('-') {
        return refused(format!("'{text}' is no URL and no folder"));
    }
    if text.contains(char::is_control) {
        return refused("a URL has no control characters".to_owned());
    }
    let path = Path::new(text);
    if path.exists() {
        let real = path.canonicalize().ok();
        let real = real.and_then(|path| path.to_str().map(str::to_owned));
        return real.map_or_else(
            || refused(format!("{text} has a name that is not UTF-8")),
            Ok,
        );
    }
    let is_scheme = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        !text.is_empty() && text.chars().all(fits)
    };
    let (transport, rest) = text.split_once(':').unwrap_or(("", text));
    if is_scheme(transport) && rest.starts_with(':') {
        let report = Report::new(format!("'{transport}::' would run a program of its own"));
        return Err(report.help(format!("{} are taken", SCHEMES.join(", "))));
    }
    if is_scheme(transport) && rest.starts_with("//") {
        if SCHEMES.contains(&transport) {
            return Ok(text.to_owned());
        }
        let help = did_you_mean(transport, SCHEMES);
        let help = help.unwrap_or_else(|| format!("{} are taken", SCHEMES.join(", ")));
        return Err(Report::new(format!("'{transport}' is no transport that is taken")).help(help));
    }
    // As git tells HOST:PATH from a path that has a colon somewhere.
    if !transport.is_empty() && !transport.contains('/') {
        return Ok(text.to_owned());
    }
    Err(Report::new(format!("there is no folder '{text}'"))
        .help("a URL that git takes or the folder of a repository is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_folders_are_taken_and_programs_are_not() {
        for url in [
            "https://example.org/net.git",
            "git://example.org/net",
            "git@example.org:ada/net.git",
            "example.org:net",
            "file:///srv/net.git",
        ] {
            assert_eq!(source(url).as_deref(), Ok(url));
        }
        assert_eq!(source("/usr/./").as_deref(), Ok("/usr"));
        let wrong = |url: &str| source(url).unwrap_err().to_string();
        assert!(wrong("ext::sh -c 'touch /tmp/x'").contains("'ext::' would run a program"));
        assert!(wrong("fd::17").contains("would run a program"));
        assert!(wrong("--upload-pack=touch /tmp/x").contains("is no URL"));
        assert!(wrong("ftp://example.org/x").contains("'ftp' is no transport"));
        assert!(wrong("htps://example.org/x").contains("did you mean 'https'"));
        assert!(wrong("./nowhere:x").contains("no folder './nowhere:x'"));
        assert!(wrong("a\nb").contains("control characters"));
    }
}
