//! `moontrace new`: the start of a collection, and of a tool. What it writes passes its own tests.

use crate::collection::manifest::{self, Manifest};
use crate::collection::{git, is_name, read};
use crate::report::{Report, unwritable};
use std::fs;
use std::path::Path;

/// What a new collection's first tool is called.
const FIRST: &str = "starts";

const MANIFEST: &str = include_str!("new/collection.toml");
const README: &str = include_str!("new/README.md");
const TOOL: &str = include_str!("new/tool.lua");
const TEST: &str = include_str!("new/test.lua");
const EXAMPLE: &str = include_str!("new/example.txt");

/// Writes a collection with a first tool into a folder, which is made, or has nothing in it.
///
/// # Errors
/// When it has files, its name can't be a collection's, or it can't be written.
pub(super) fn collection(folder: &Path) -> Result<String, Report> {
    let shown = folder.display();
    let made = fs::create_dir_all(folder);
    made.map_err(|error| unwritable(folder.display(), &error))?;
    let real = folder
        .canonicalize()
        .map_err(|error| unwritable(folder.display(), &error))?;
    let name = real
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if let Some(why) = manifest::name_problem(&name) {
        let report = Report::new(format!("a collection can't be called '{name}'"));
        return Err(report.help(why));
    }
    let mut lies = fs::read_dir(folder).map_err(|error| unwritable(folder.display(), &error))?;
    // A clone of an empty repository is a good place for a collection.
    if lies.any(|entry| entry.is_ok_and(|entry| entry.file_name() != ".git")) {
        let report = Report::new(format!("{shown} has files in it"));
        return Err(report.help(
            "a new collection wants a new folder; 'moontrace new tool NAME' adds a tool to one",
        ));
    }
    let author = git::author().or_else(|| std::env::var("USER").ok());
    let author = author.filter(|author| !author.contains(['"', '\\', '\n']));
    let author = author.unwrap_or_else(|| "nobody yet".to_owned());
    let fill = |text: &str| {
        let text = text.replace("{NAME}", &name).replace("{TOOL}", FIRST);
        text.replace("{AUTHOR}", &author)
            .replace("{API}", &manifest::API.to_string())
    };
    write(folder, manifest::FILE, &fill(MANIFEST))?;
    write(folder, "README.md", &fill(README))?;
    let mut text = format!("{shown}/{}\n{shown}/README.md\n", manifest::FILE);
    text.push_str(&tool_in(folder, FIRST)?);
    if !folder.join(".git").exists() && !git::start(folder) {
        text.push_str("there is no git here: a collection is shared as a git repository\n");
    }
    Ok(format!(
        "{text}\n'moontrace test {shown}' runs its tests, as root\n"
    ))
}

/// Writes a tool into the collection of the current folder.
///
/// # Errors
/// When the folder is no collection, it has a tool of that name, or it can't be written.
pub(super) fn tool(name: &str) -> Result<String, Report> {
    if !is_name(name) {
        let report = Report::new(format!("a tool can't be called '{name}'"));
        return Err(report.help("its name is made of letters, digits, '_' and '-'"));
    }
    let folder = Path::new("");
    let file = Path::new(manifest::FILE);
    if !file.exists() {
        let report = Report::new(format!("there is no {} in this folder", manifest::FILE));
        return Err(report.help("'moontrace new collection DIR' begins a collection"));
    }
    let said = read(file)?;
    Manifest::parse(&said.file, &said.text)?;
    let text = tool_in(folder, name)?;
    Ok(format!(
        "{text}\n'moontrace test tests/{name}.lua' runs its tests, as root\n"
    ))
}

/// The tool, its test and its example; what was written.
fn tool_in(folder: &Path, name: &str) -> Result<String, Report> {
    let files = [
        (format!("{name}.lua"), TOOL),
        (format!("tests/{name}.lua"), TEST),
        (format!("examples/{name}.txt"), EXAMPLE),
    ];
    if let Some((there, _)) = files.iter().find(|(file, _)| folder.join(file).exists()) {
        return Err(Report::new(format!(
            "{} is there already",
            folder.join(there).display()
        )));
    }
    let mut text = String::new();
    for (file, template) in files {
        write(folder, &file, &template.replace("{TOOL}", name))?;
        text.push_str(&format!("{}\n", folder.join(file).display()));
    }
    Ok(text)
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), Report> {
    let path = folder.join(file);
    let parent = path.parent().unwrap_or(folder);
    let made = match parent.as_os_str().is_empty() {
        true => Ok(()),
        false => fs::create_dir_all(parent),
    };
    let written = made.and_then(|()| fs::write(&path, text));
    written.map_err(|error| unwritable(path.display(), &error))
}
