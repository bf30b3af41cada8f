//! Running git: on a bare repository of ours, with a configuration of ours alone, and within bounds.

use super::url::SCHEMES;
use crate::report::{Report, plainly, unwritable};
use crate::sys::bounded;
use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a file that git writes; what it fetches is one.
const PACK: u64 = 256 << 20;

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Bytes that are kept of what it complains about.
const COMPLAINT: usize = 64 << 10;

pub(super) struct Git {
    repository: PathBuf,
    config: PathBuf,
}

/// Why git did not do it.
pub(super) enum Refusal {
    /// It could not be run, or was stopped.
    Not(Report),
    /// Its last line.
    Said(String),
}

impl Git {
    /// An empty repository in a new folder.
    ///
    /// # Errors
    /// When there is no git, or no place.
    pub(super) fn init(folder: &Path) -> Result<Self, Report> {
        let git = Self {
            repository: folder.join("repository"),
            config: folder.join("config"),
        };
        let written = std::fs::write(&git.config, configuration());
        written.map_err(|error| unwritable(git.config.display(), &error))?;
        let made = git.run(&["init", "--quiet", "--bare", "--template="], &[], 1 << 16);
        made.map_err(Refusal::report)?;
        Ok(git)
    }

    /// Runs it to its end; gives what it printed.
    ///
    /// # Errors
    /// When it fails, prints more than `most` bytes, or does nothing for some minutes.
    pub(super) fn run(
        &self,
        words: &[&str],
        input: &[u8],
        most: usize,
    ) -> Result<Vec<u8>, Refusal> {
        let mut command = Command::new("git");
        self.surround(&mut command);
        command.arg("--git-dir").arg(&self.repository).args(words);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        pipes.stderr(Stdio::piped());
        bounded::bound(&mut command, PACK);
        let mut child = command
            .spawn()
            .map_err(|error| Refusal::Not(not_run(&error)))?;
        let read = Arc::new(AtomicU64::new(0));
        let (input, output) = (input.to_vec(), child.stdout.take());
        let (pipe, complains) = (child.stdin.take(), child.stderr.take());
        let writer = std::thread::spawn(move || {
            // One that has ended says so itself.
            let _ = pipe.map(|mut pipe| pipe.write_all(&input));
        });
        let out = follow(output, read.clone(), Some(most));
        let err = follow(complains, read.clone(), None);
        let ended = self.wait(&mut child, &read, most);
        let (_, out, err) = (writer.join(), out.join(), err.join());
        let (out, err) = (out.unwrap_or_default(), err.unwrap_or_default());
        let status = ended.map_err(Refusal::Not)?;
        if out.len() > most {
            let why = "the repository lists more than a collection can have";
            return Err(Refusal::Not(Report::new(why)));
        }
        match status.success() {
            true => Ok(out),
            false => Err(refusal(&String::from_utf8_lossy(&err))),
        }
    }

    /// Nothing of the caller's own git counts here: no variables, no configuration, no hooks, no helpers.
    fn surround(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", &self.config)
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env_remove("SSH_ASKPASS")
            .env("LC_ALL", "C");
    }

    fn wait(&self, child: &mut Child, read: &AtomicU64, most: usize) -> Result<ExitStatus, Report> {
        let (mut seen, mut last) = (0, Instant::now());
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Err(not_run(&error)),
            }
            let come = read.load(Ordering::Relaxed);
            let stalls = last.elapsed() > PATIENCE && self.size() + come == seen;
            if stalls || come > most.max(COMPLAINT) as u64 * 64 {
                let _ = child.kill();
                let _ = child.wait();
            }
            if stalls {
                let waited = PATIENCE.as_secs();
                return Err(Report::new(format!("nothing has come for {waited} s")));
            }
            if last.elapsed() > PATIENCE || come > seen {
                (seen, last) = (self.size() + come, Instant::now());
            }
        }
    }

    /// Bytes of what is being fetched.
    fn size(&self) -> u64 {
        let files = std::fs::read_dir(self.repository.join("objects/pack"));
        let files = files.into_iter().flatten().flatten();
        let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
        sizes.sum()
    }
}

impl Refusal {
    pub(super) fn report(self) -> Report {
        match self {
            Self::Not(report) => report,
            Self::Said(line) => Report::new(format!("git says: {line}")),
        }
    }
}

fn configuration() -> String {
    let mut text = String::from(
        "[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tbigFileThreshold = 1m\n\
         [credential]\n\thelper =\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[transfer]\n\tunpackLimit = 1\n\
         [fetch]\n\trecurseSubmodules = false\n[submodule]\n\trecurse = false\n[http]\n\tlowSpeedLimit = 1\n\
         \tlowSpeedTime = 120\n[protocol]\n\tallow = never\n",
    );
    for scheme in SCHEMES {
        // Writing to a String can't fail.
        let _ = writeln!(text, "[protocol \"{scheme}\"]\n\tallow = always");
    }
    text
}

/// Reads a pipe to its end: the first bytes of it, up to one more than `most`, or the last of what it complains about.
fn follow(
    pipe: Option<impl Read + Send + 'static>,
    count: Arc<AtomicU64>,
    most: Option<usize>,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut kept, mut buffer) = (Vec::new(), [0; 16 << 10]);
        let Some(mut pipe) = pipe else { return kept };
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            count.fetch_add(read as u64, Ordering::Relaxed);
            let bytes = buffer.get(..read).unwrap_or_default();
            match most {
                // With its reader gone, it ends.
                Some(most) if kept.len() + read > most => {
                    kept.resize(most + 1, 0);
                    return kept;
                }
                Some(_) => kept.extend_from_slice(bytes),
                None => {
                    kept.extend_from_slice(bytes);
                    let superfluous = kept.len().saturating_sub(COMPLAINT);
                    kept.drain(..superfluous);
                }
            }
        }
        kept
    })
}

fn not_run(error: &io::Error) -> Report {
    match error.kind() {
        io::ErrorKind::NotFound => Report::new("there is no git here, and collections come by it")
            .help("the package is called git"),
        _ => Report::new(format!("git can't be run: {}", plainly(error))),
    }
}

/// Its last line, but for the advice that it gives behind the reason.
fn refusal(complaint: &str) -> Refusal {
    if complaint.contains("File too large") || complaint.contains("signal 25") {
        let most = PACK >> 20;
        return Refusal::Not(Report::new(format!(
            "the repository has more than {most} MiB"
        )));
    }
    let lines = complaint.split(['\n', '\r']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let fatal = lines.iter().rposition(|line| line.starts_with("fatal:"));
    let advice = |line: &str| line.contains("Could not read from remote repository");
    let chosen = match fatal {
        Some(at) if advice(lines[at]) && at > 0 => lines.get(at - 1),
        Some(at) => lines.get(at),
        None => lines.last(),
    };
    let line = chosen.map_or("nothing", |line| line.trim_start_matches("fatal: "));
    Refusal::Said(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_and_not_the_advice() {
        let said = |text: &str| refusal(text).report().message;
        assert_eq!(
            said(
                "remote: hm\nssh: no such host\r\nfatal: Could not read from remote repository.\n\nPlease make sure\n"
            ),
            "git says: ssh: no such host"
        );
        assert_eq!(said("fatal: no path\n"), "git says: no path");
        assert_eq!(said(""), "git says: nothing");
        assert!(said("error: index-pack died of signal 25\nfatal: fetch-pack").contains("256 MiB"));
    }
}
