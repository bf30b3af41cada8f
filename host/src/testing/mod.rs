//! `moontrace test`: the tests of a collection, on this kernel.
//!
//! A test is a Lua file (`tests/NAME.lua`) of cases; a case runs tools beside commands of known effect, and holds what they
//! print against it. lua/testing.rs is what it is written in, process.rs what it starts.

mod needs;
mod process;

use crate::collection::manifest::name_problem;
use crate::collection::store::Store;
use crate::collection::{self, Collection, Modules, Part, Shared, Source};
use crate::consent::Request;
use crate::lua::testing::{Actor, Case, Stage, Suite};
use crate::permission::{Permission, Permissions};
use crate::report::{Report, plainly};
use crate::rows::escape::lines;
use crate::sys::network;
use process::Process;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Tests by name, files of tests, installed collections, folders of others. Nothing: every test of the collection in the binary.
    pub what: Vec<String>,
    /// Only the cases of these titles.
    pub cases: Vec<String>,
    /// Only says which there are.
    pub list: bool,
    /// `--allow`: what tests of installed collections may do beside what their tools declare.
    pub allowed: Permissions,
    /// Where examples are written to.
    pub examples: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Runs tests, prints a line for each case, and gives the exit status: 0 when none failed.
pub fn test(wanted: &Wanted) -> i32 {
    match try_test(wanted) {
        Ok(status) => status,
        Err(report) => {
            let _ = writeln!(io::stderr(), "{report}");
            1
        }
    }
}

fn try_test(wanted: &Wanted) -> Result<i32, Report> {
    let mut counts = [0; 3];
    let sources = sources(&wanted.what)?;
    let mut strange: Vec<Arc<Shared>> = Vec::new();
    for (of, _) in &sources {
        if let Collection::Shared(shared) = of
            && !strange.contains(shared)
        {
            strange.push(Arc::clone(shared));
        }
    }
    if !wanted.list {
        ask(&strange, &wanted.allowed)?;
    }
    for (collection, source) in sources {
        let stage: Rc<dyn Stage> = Rc::new(Theatre {
            modules: collection.modules(),
            collection,
            examples: wanted.examples.clone(),
            names_only: wanted.list,
        });
        let refused = |problem| Report::new(problem);
        let suite = Suite::load(&source.file, &source.text, &stage).map_err(refused)?;
        let name = Path::new(&source.file).file_stem().unwrap_or_default();
        for (number, case) in suite.cases().map_err(refused)?.iter().enumerate() {
            let title = format!("{}: {}", name.display(), case.name);
            if !wanted.cases.is_empty() && !wanted.cases.contains(&title) {
                continue;
            }
            if wanted.list {
                say(&format!("{title}\n"));
                continue;
            }
            say(&format!("{title} ... "));
            let verdict = judge(&suite, number, case);
            say(&verdict.line());
            counts[verdict.place()] += 1;
        }
    }
    if wanted.list {
        return Ok(0);
    }
    let [passed, skipped, failed] = counts;
    if counts == [0; 3] {
        return Err(Report::new("there is no such case").help("'moontrace test --list' names them"));
    }
    say(&format!(
        "{passed} passed, {skipped} skipped, {failed} failed\n"
    ));
    Ok(i32::from(failed > 0))
}

fn judge(suite: &Suite, number: usize, case: &Case) -> Verdict {
    if let Some(lack) = case.needs.iter().find_map(|need| needs::lack(need)) {
        return Verdict::Skipped(lack);
    }
    match suite.perform(number) {
        Ok(()) => Verdict::Passed,
        Err(problem) => Verdict::Failed(problem),
    }
}

impl Verdict {
    fn place(&self) -> usize {
        match self {
            Self::Passed => 0,
            Self::Skipped(_) => 1,
            Self::Failed(_) => 2,
        }
    }

    fn line(&self) -> String {
        let mut line = match self {
            Self::Passed => return "ok\n".into(),
            Self::Skipped(reason) => return format!("skipped ({reason})\n"),
            Self::Failed(_) => "FAILED\n".to_owned(),
        };
        if let Self::Failed(problem) = self {
            for of in problem.lines() {
                let _ = writeln!(line, "  {of}");
            }
        }
        line
    }
}

/// Nobody reading it any more is no reason to leave things half done.
fn say(text: &str) {
    let (mut out, text) = (io::stdout(), lines(text.as_bytes()));
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Tests start programs, which no sandbox is around: those of an installed collection are asked about. Without another
/// permission they find a network that ends at this machine's loopback.
///
/// # Errors
/// When nobody agrees, or there can be no such network.
fn ask(strange: &[Arc<Shared>], allowed: &Permissions) -> Result<(), Report> {
    let asked = Permissions::from_iter([Permission::Run]);
    for shared in strange {
        if !allowed.cover(&Permission::Run) {
            let request = Request {
                shared,
                key: Request::TESTS,
                name: &shared.name,
                summary: "its tests run programs, as you, outside of the sandbox.",
                content: shared.digest_of_all()?,
                asked: &asked,
            };
            request.obtain()?;
        }
    }
    if strange.is_empty() || allowed.cover(&Permission::Network) {
        return Ok(());
    }
    network::leave().map_err(|error| {
        let why = plainly(&error);
        let report = Report::new(format!("no network of the tests' own can be made: {why}"));
        report.help("--allow network lets them have this one")
    })
}

/// The files of tests that are meant, each with the collection that its tools are in.
fn sources(what: &[String]) -> Result<Vec<(Collection, Source)>, Report> {
    if what.is_empty() {
        return all_of(&Collection::Builtin);
    }
    let mut sources = Vec::new();
    for word in what {
        let path = Path::new(word);
        if let Some(source) = Collection::Builtin.get(Part::Test, word)? {
            sources.push((Collection::Builtin, source));
        } else if let Some(shared) = installed(word)? {
            sources.append(&mut all_of(&shared)?);
        } else if let Some((shared, inner)) = in_store(path)? {
            // What lies among installed collections is theirs, however it is named.
            match Part::Test.name(&inner) {
                None => sources.append(&mut all_of(&shared)?),
                Some(name) => {
                    let source = shared.get(Part::Test, name)?;
                    sources.extend(source.map(|source| (shared, source)));
                }
            }
        } else if path.is_dir() {
            sources.append(&mut all_of(&Collection::Folder(path.to_owned()))?);
        } else {
            let source = collection::read(path).map_err(|report| match path.exists() {
                true => report,
                false => {
                    report.help("a tool's name, a file of tests or a collection's folder is wanted")
                }
            })?;
            let tests = path.parent().unwrap_or(Path::new(""));
            sources.push((Collection::Folder(tests.join("..")), source));
        }
    }
    Ok(sources)
}

/// An installed collection by its name; `./name` is a folder.
fn installed(word: &str) -> Result<Option<Collection>, Report> {
    match Store::of_user().filter(|_| name_problem(word).is_none()) {
        Some(store) => Ok(store.get(word)?.map(Collection::Shared)),
        None => Ok(None),
    }
}

fn in_store(path: &Path) -> Result<Option<(Collection, String)>, Report> {
    let held = Store::of_user()
        .map(|store| store.holds(path))
        .transpose()?;
    Ok(held.flatten().map(|(shared, inner)| (shared.into(), inner)))
}

fn all_of(collection: &Collection) -> Result<Vec<(Collection, Source)>, Report> {
    let mut sources = Vec::new();
    for name in collection.names(Part::Test) {
        let source = collection.get(Part::Test, &name)?;
        sources.extend(source.map(|source| (collection.clone(), source)));
    }
    if sources.is_empty() {
        return Err(
            Report::new("there are no tests").help("they are tests/NAME.lua beside the tools")
        );
    }
    Ok(sources)
}

/// Where the cases of a collection play.
struct Theatre {
    collection: Collection,
    modules: Modules,
    examples: Option<PathBuf>,
    /// Its cases are named and not run, for which nobody was asked.
    names_only: bool,
}

impl Stage for Theatre {
    fn start(&self, words: &[String], tells: bool) -> Result<Rc<dyn Actor>, String> {
        match self.names_only {
            true => Err("a file whose cases are only named starts no program".into()),
            false => Ok(Rc::new(Process::start(words, tells)?)),
        }
    }

    fn tool(&self, name: &str) -> Vec<String> {
        let named = match &self.collection {
            Collection::Builtin => name.to_owned(),
            Collection::Shared(shared) => shared.full_name(name),
            Collection::Folder(folder) => folder.join(format!("{name}.lua")).display().to_string(),
        };
        // What others get is shown to get by with what its headers declare; who lets a stranger's tests run lets its tools do that.
        let limits: &[&str] = match self.collection.is_published() {
            true => &["--allow", "declared"],
            false => &[],
        };
        let limits = limits.iter().map(|word| (*word).to_owned());
        limits.chain([named]).collect()
    }

    fn module(&self, from: &str, name: &str) -> Result<Option<(String, String)>, Report> {
        self.modules.find(from, name)
    }

    fn program(&self) -> String {
        let own = std::env::current_exe();
        own.map_or("moontrace".into(), |path| path.display().to_string())
    }

    fn example(&self, tool: &str) -> Option<String> {
        let found = self.collection.get(Part::Example, tool);
        found.ok().flatten().map(|source| source.text)
    }

    fn writes_examples(&self) -> bool {
        self.examples.is_some()
    }

    fn write_example(&self, tool: &str, text: &str) -> Result<(), String> {
        let Some(folder) = &self.examples else {
            return Ok(());
        };
        let file = folder.join(format!("{tool}.txt"));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
        written.map_err(|error| format!("{} can't be written: {error}", file.display()))
    }
}
