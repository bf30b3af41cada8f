//! Tests of tools, as Lua files write them: their cases, and the one VM that they run in.

use super::api::system;
use super::chunks::Chunks;
use super::modules;
use super::stdlib::chunk_name;
use super::vm::Modules;
use crate::report::Report;
use mlua::{Function, Lua, MultiValue, Table, UserData, UserDataMethods, Value};
use std::rc::Rc;

const TEST: &str = include_str!("../../../lua-stdlib/test.lua");

/// The functions of a test's file.
const GLOBALS: [&str; 8] = [
    "case", "run", "sh", "start", "check", "equal", "kernel", "readfile",
];

/// Bytes that a test's Lua values may take.
const MEMORY: usize = 256 << 20;

/// What tests do outside of Lua.
pub trait Stage {
    /// Starts a program whose input, output and errors are pipes.
    ///
    /// # Errors
    /// When there is no such program.
    fn start(&self, words: &[String], tells: bool) -> Result<Rc<dyn Actor>, String>;
    /// The words by which a tool of the collection is run, behind `moontrace run`, and that say what it may do.
    fn tool(&self, name: &str) -> Vec<String>;
    /// The file and the text of what `require` gets in the file `from`: what lies in `lib` beside the tools.
    ///
    /// # Errors
    /// When it is there and can't be read.
    fn module(&self, from: &str, name: &str) -> Result<Option<(String, String)>, Report>;
    /// The words of moontrace itself.
    fn program(&self) -> String;
    /// The example that is kept of a tool.
    fn example(&self, tool: &str) -> Option<String>;
    /// Are examples written anew?
    fn writes_examples(&self) -> bool;
    /// # Errors
    /// When it can't be written.
    fn write_example(&self, tool: &str, text: &str) -> Result<(), String>;
}

/// A program that a test has started. Waiting has an end: what takes too long is killed.
pub trait Actor {
    fn pid(&self) -> u32;
    /// Writes a line to its input.
    fn send(&self, line: &str);
    /// Waits until it prints that line.
    ///
    /// # Errors
    /// When it ends without, or takes too long.
    fn hear(&self, line: &str) -> Result<(), String>;
    /// Waits until it says that it is ready (`READY=1`), or has ended.
    fn ready(&self);
    /// Sends `INT` or `TERM`.
    fn signal(&self, name: &str);
    /// Closes its input and waits for its end.
    fn finish(&self) -> Ended;
}

/// What a program came to. The status is 128 + N where signal N ended it.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    pub status: i32,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

/// A case as its file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    /// Probes, `command:NAME` and `file:PATH`.
    pub needs: Vec<String>,
    pub example: bool,
}

/// The cases of a file.
pub struct Suite {
    lua: Lua,
    test: Table,
}

impl Suite {
    /// Runs a file that declares cases.
    ///
    /// # Errors
    /// What Lua says of it.
    pub fn load(file: &str, text: &str, stage: &Rc<dyn Stage>) -> Result<Self, String> {
        Self::try_load(file, text, stage).map_err(|error| plain(&error))
    }

    fn try_load(file: &str, text: &str, stage: &Rc<dyn Stage>) -> mlua::Result<Self> {
        let lua = super::sandbox::lua(MEMORY)?;
        let os: Table = lua.globals().get("os")?;
        for unwanted in [
            "execute",
            "exit",
            "getenv",
            "remove",
            "rename",
            "setlocale",
            "tmpname",
        ] {
            os.set(unwanted, Value::Nil)?;
        }
        let chunks = Rc::new(Chunks::default());
        let host = host(&lua, stage, &chunks)?;
        let chunk = lua.load(TEST).set_name(chunk_name("test"));
        let test: Table = chunk.call(host)?;
        for name in GLOBALS {
            let function: Function = test.get(name)?;
            lua.globals().set(name, function)?;
        }
        let (lies, own) = (stage.clone(), chunks.clone());
        let modules: Modules = Box::new(move |from, name| lies.module(from, name));
        let require = move |lua: &Lua, name: String| modules::require(lua, &name, &own, &modules);
        let require = lua.create_function(require)?;
        lua.globals().set("require", require)?;
        chunks.load(&lua, file, text)?.call::<()>(())?;
        Ok(Self { lua, test })
    }

    /// # Errors
    /// What Lua says of them.
    pub fn cases(&self) -> Result<Vec<Case>, String> {
        let read = || -> mlua::Result<Vec<Case>> {
            let cases: Table = self.test.get("cases")?;
            let case = |case: Table| {
                Ok(Case {
                    name: case.get("name")?,
                    needs: case.get("needs")?,
                    example: case.get("example")?,
                })
            };
            let cases = cases.sequence_values::<Table>();
            cases.map(|found| found.and_then(case)).collect()
        };
        read().map_err(|error| plain(&error))
    }

    /// Runs a case by its place among [`Self::cases`].
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn perform(&self, number: usize) -> Result<(), String> {
        let perform = self.test.get::<Function>("perform");
        let done = perform.and_then(|perform| perform.call::<()>(number + 1));
        // What a case has dropped is to end before the next one begins.
        let collected = self.lua.gc_collect();
        done.and(collected).map_err(|error| plain(&error))
    }
}

/// Without Lua's traceback.
fn plain(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::CallbackError { cause, .. } => return plain(cause),
        mlua::Error::RuntimeError(text) => text.clone(),
        other => other.to_string(),
    };
    let text = text.split("\nstack traceback:").next().unwrap_or(&text);
    text.to_owned()
}

struct Process(Rc<dyn Actor>);

impl UserData for Process {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("pid", |_, this, ()| Ok(this.0.pid()));
        methods.add_method("send", |_, this, line: String| {
            this.0.send(&line);
            Ok(())
        });
        methods.add_method("hear", |_, this, line: String| Ok(this.0.hear(&line).err()));
        methods.add_method("ready", |_, this, ()| {
            this.0.ready();
            Ok(())
        });
        methods.add_method("signal", |_, this, name: String| {
            this.0.signal(&name);
            Ok(())
        });
        methods.add_method("finish", |lua, this, ()| {
            let ended = this.0.finish();
            let table = lua.create_table()?;
            table.set("status", ended.status)?;
            table.set("out", lua.create_string(ended.out)?)?;
            table.set("err", lua.create_string(ended.err)?)?;
            Ok(table)
        });
    }
}

/// What test.lua is given.
fn host(lua: &Lua, stage: &Rc<dyn Stage>, chunks: &Rc<Chunks>) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    let here = chunks.clone();
    let here = move |lua: &Lua, _: MultiValue| {
        let place = here.here(lua);
        Ok(place.map_or("?".to_owned(), |place| place.to_string()))
    };
    host.set("here", lua.create_function(here)?)?;
    host.set("program", stage.program())?;
    host.set("writes_examples", stage.writes_examples())?;
    let starts = stage.clone();
    let start = move |_: &Lua, (words, tells): (Vec<String>, bool)| {
        let actor = starts.start(&words, tells);
        actor.map(Process).map_err(mlua::Error::runtime)
    };
    host.set("start", lua.create_function(start)?)?;
    let named = stage.clone();
    let tool = move |_: &Lua, name: String| Ok(named.tool(&name));
    host.set("tool", lua.create_function(tool)?)?;
    let kept = stage.clone();
    let example = move |_: &Lua, tool: String| Ok(kept.example(&tool));
    host.set("example", lua.create_function(example)?)?;
    let written = stage.clone();
    let write = move |_: &Lua, (tool, text): (String, mlua::LuaString)| {
        let text = text.to_string_lossy();
        let done = written.write_example(&tool, &text);
        done.map_err(mlua::Error::runtime)
    };
    host.set("write_example", lua.create_function(write)?)?;
    let readfile = |lua: &Lua, path: String| match system::read(&path) {
        Some(bytes) => lua.create_string(bytes).map(Value::String),
        None => Ok(Value::Nil),
    };
    host.set("readfile", lua.create_function(readfile)?)?;
    Ok(host)
}
