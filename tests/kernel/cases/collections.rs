//! Collections of other people: how they come, change and go, and what hostile ones come to. None of it needs a probe.

use super::cases;
use crate::trace::product;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

cases!(collections:
    a_new_one_passes_its_own_tests, a_new_one_wants_an_empty_folder,
    from_a_folder_and_gone_again [Git], naming_cases_starts_nothing [Git], from_gits_own_server [Git], from_a_web_server [Git],
    at_a_tag_a_branch_or_a_commit [Git], an_update_shows_what_changes_and_is_taken_back [Git],
    short_names_are_for_one [Git], modules_of_declared_ones [Git], changed_files_are_refused [Git],
    what_is_refused_leaves_all_as_it_was [Git], nothing_of_a_repository_is_run [Git],
    odd_files_are_left_out [Git], escapes_never_reach_the_terminal [Git], two_at_once [Git],
    killed_at_any_moment [Git], the_page_is_what_a_new_user_types [Git]);

const MANIFEST: &str = "version = \"1.0.0\"\napi = 1\nlicence = \"MIT\"\nmaintainers = [\"Ada\"]\n";

const TOOL: &str =
    "--- Say one.\n--\n-- Usage: one\n-- Subject: network\n-- Level: safe\nprint 'one'\nexit()\n";

/// A user with an own home, and a place for repositories.
struct Shop {
    folder: TempDir,
}

/// What a command came to.
#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn well(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// What it complains about.
    #[track_caller]
    fn badly(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(1), ""), "{self:?}");
        self.err
    }
}

impl Shop {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        for name in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{name}_NAME"), "Ada");
            command.env(format!("GIT_{name}_EMAIL"), "ada@example.org");
        }
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            // Whoever started these tests from a hook has it set.
            .env_remove("GIT_DIR")
            .stdin(Stdio::null());
        command
    }

    fn moontrace(&self, words: &[&str]) -> Said {
        let output = self.command(&product(), words).output();
        let output = output.expect("the product starts");
        Said {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).expect("it prints UTF-8"),
            err: String::from_utf8(output.stderr).expect("it prints UTF-8"),
        }
    }

    #[track_caller]
    fn git(&self, repository: &str, words: &[&str]) -> String {
        let words = [&["-C", repository], words].concat();
        let output = self.command("git", &words).output().expect("git starts");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn write(&self, repository: &str, files: &[(&str, &str)]) {
        for (path, text) in files {
            let file = self.path(repository).join(path);
            fs::create_dir_all(file.parent().expect("it has a folder")).expect("it can be made");
            fs::write(file, text).expect("it can be written");
        }
    }

    fn commit(&self, repository: &str) -> String {
        self.git(repository, &["add", "--all"]);
        self.git(repository, &["commit", "--quiet", "--message", "more"]);
        self.git(repository, &["rev-parse", "HEAD"])
    }

    /// A repository with a collection of that name; gives the commit.
    fn collection(&self, name: &str, files: &[(&str, &str)]) -> String {
        self.write(name, files);
        if !self.path(name).join("collection.toml").exists() {
            let manifest = format!("name = \"{name}\"\n{MANIFEST}");
            self.write(name, &[("collection.toml", &manifest)]);
        }
        self.git(name, &["init", "--quiet", "--initial-branch", "main"]);
        self.commit(name)
    }

    fn store(&self) -> PathBuf {
        self.path("data/moontrace/collections")
    }

    /// The lock, and all names that lie beside it.
    fn state(&self) -> (String, BTreeSet<String>) {
        let lock = fs::read_to_string(self.store().join("lock.toml")).unwrap_or_default();
        let names = fs::read_dir(self.store()).into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        (lock, names.filter(|name| name != ".changing").collect())
    }
}

fn a_new_one_passes_its_own_tests() {
    let shop = Shop::open();
    let made = shop.moontrace(&["new", "collection", "net"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(made.out.contains("net/tests/starts.lua"), "{made:?}");
    let tests = shop.moontrace(&["test", "net"]).well();
    assert!(
        tests.ends_with("2 passed, 0 skipped, 0 failed\n"),
        "{tests}"
    );
    shop.moontrace(&["check", "net/starts.lua"]).well();
    let mut tool = shop.command(&product(), &["new", "tool", "more-starts"]);
    let output = tool
        .current_dir(shop.path("net"))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let tests = shop
        .moontrace(&["test", "net/tests/more-starts.lua"])
        .well();
    assert!(
        tests.ends_with("2 passed, 0 skipped, 0 failed\n"),
        "{tests}"
    );
    let again = tool.output().expect("it starts");
    let again = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again, "more-starts.lua is there already\n");
}

fn a_new_one_wants_an_empty_folder() {
    let shop = Shop::open();
    shop.write("net", &[("mine.txt", "")]);
    let refused = shop.moontrace(&["new", "collection", "net"]).badly();
    assert!(refused.starts_with("net has files in it\n"), "{refused}");
    let named = shop.moontrace(&["new", "collection", "Net Tools"]).badly();
    assert!(
        named.starts_with("a collection can't be called 'Net Tools'"),
        "{named}"
    );
    let nowhere = shop.moontrace(&["new", "tool", "x"]).badly();
    assert!(
        nowhere.starts_with("there is no collection.toml in this folder"),
        "{nowhere}"
    );
    let climbs = shop.moontrace(&["new", "tool", "../x"]).badly();
    assert!(
        climbs.starts_with("a tool can't be called '../x'"),
        "{climbs}"
    );
}

fn from_a_folder_and_gone_again() {
    let shop = Shop::open();
    shop.moontrace(&["new", "collection", "net"]).well();
    let commit = shop.commit("net");
    let added = shop.moontrace(&["add", "./net"]).well();
    let short = &commit[..12];
    assert!(
        added.starts_with(&format!("added net 0.1.0 (commit {short}) from /")),
        "{added}"
    );
    assert!(added.contains("  net/starts  safe "), "{added}");
    assert!(
        added.contains("probes       tracepoint:sched:sched_process_exec"),
        "{added}"
    );
    let help = shop.moontrace(&["net/starts", "-h"]).well();
    assert_eq!(help, shop.moontrace(&["starts", "-h"]).well());
    let found = shop
        .moontrace(&["tools", "--format", "json", "net/starts and process"])
        .well();
    let tool: serde_json::Value = serde_json::from_str(&found).expect("one line of JSON");
    assert_eq!(
        (tool["collection"].as_str(), tool["name"].as_str()),
        (Some("net"), Some("net/starts"))
    );
    let shown = shop.moontrace(&["show", "net"]).well();
    assert!(
        shown.contains(&commit) && shown.contains("  net/starts  safe "),
        "{shown}"
    );
    let shown = shop.moontrace(&["show", "starts"]).well();
    assert!(
        shown.contains("level        safe\n") && shown.contains(":by \"comm\""),
        "{shown}"
    );
    let unasked = shop.moontrace(&["test", "net"]).badly();
    assert!(unasked.contains("--allow run"), "{unasked}");
    let tests = shop.moontrace(&["test", "net", "--allow", "run"]).well();
    assert!(
        tests.ends_with("2 passed, 0 skipped, 0 failed\n"),
        "{tests}"
    );
    // What lies in the store is the collection's tool, and not the user's own file.
    let lies = shop.store().join(format!("net@{short}/starts.lua"));
    let asked = shop
        .moontrace(&[lies.to_str().expect("UTF-8"), "-c", "true"])
        .badly();
    assert!(asked.contains("net/starts asks for"), "{asked}");
    let removed = shop.moontrace(&["remove", "net"]).well();
    assert!(removed.starts_with("removed net 0.1.0"), "{removed}");
    assert_eq!(shop.state().1, BTreeSet::from(["lock.toml".to_owned()]));
    let gone = shop.moontrace(&["net/starts"]).badly();
    assert!(gone.contains("net/starts can't be read"), "{gone}");
}

/// A test's file may do more than declare cases: not while its cases are named.
fn naming_cases_starts_nothing() {
    let shop = Shop::open();
    let test = format!(
        "sh 'touch {}'\ncase('x', function() end)\n",
        shop.path("ran").display()
    );
    shop.collection("net", &[("one.lua", TOOL), ("tests/one.lua", &test)]);
    shop.moontrace(&["add", "net"]).well();
    let named = shop.moontrace(&["test", "net", "--list"]).badly();
    assert!(named.contains("starts no program"), "{named}");
    assert!(!shop.path("ran").exists());
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // git passes it on to the server that it has started.
        // SAFETY: the process is our child and not waited for yet, so its number is no other's.
        unsafe { libc::kill(self.0.id() as i32, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

fn from_gits_own_server() {
    let shop = Shop::open();
    shop.collection("net", &[("one.lua", TOOL)]);
    let port = free_port();
    let base = format!("--base-path={}", shop.folder.path().display());
    let listen = format!("--port={port}");
    let words = [
        "daemon",
        "--listen=127.0.0.1",
        &listen,
        &base,
        "--export-all",
        "--reuseaddr",
    ];
    let mut daemon = shop.command("git", &words);
    // It is another user's repository, as that of any server is.
    daemon
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory");
    daemon.env("GIT_CONFIG_VALUE_0", "*").stderr(Stdio::null());
    let _server = Server(daemon.spawn().expect("git starts"));
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "git's server listens"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let url = format!("git://127.0.0.1:{port}/net/.git");
    let added = shop.moontrace(&["add", &url]).well();
    assert!(added.contains("  net/one  safe       Say one."), "{added}");
    assert_eq!(shop.moontrace(&["one"]).well(), "one\n");
    shop.write("net", &[("one.lua", &TOOL.replace("'one'", "'two'"))]);
    shop.commit("net");
    shop.moontrace(&["update", "net", "--yes"]).well();
    assert_eq!(shop.moontrace(&["one"]).well(), "two\n");
}

/// Files of a folder by HTTP, as any web server has them.
fn serve(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut request = BufReader::new(stream);
            let mut line = String::new();
            let _ = request.read_line(&mut line);
            let mut header = String::from("x");
            while !header.trim().is_empty() {
                header.clear();
                let _ = request.read_line(&mut header);
            }
            let path = line.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let file = fs::read(folder.join(path.trim_start_matches('/')));
            let (status, body) =
                file.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let length = body.len();
            let head = format!("HTTP/1.0 {status}\r\nContent-Length: {length}\r\n\r\n");
            let mut stream = request.into_inner();
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
    });
    port
}

fn from_a_web_server() {
    let shop = Shop::open();
    shop.collection("net", &[("one.lua", TOOL)]);
    shop.git("net", &["tag", "v1.0.0"]);
    shop.git(".", &["clone", "--quiet", "--bare", "net", "net.git"]);
    shop.git("net.git", &["update-server-info"]);
    let port = serve(shop.folder.path().to_owned());
    let url = format!("http://127.0.0.1:{port}/net.git");
    shop.moontrace(&["add", &url, "--at", "1.0.0"]).well();
    assert_eq!(shop.moontrace(&["net/one"]).well(), "one\n");
    let none = shop
        .moontrace(&["add", &format!("http://127.0.0.1:{port}/none.git")])
        .badly();
    assert!(
        none.contains("can't be had: git says:") && none.contains("not found"),
        "{none}"
    );
    let closed = format!("http://127.0.0.1:{}/net.git", free_port());
    let unreached = shop.moontrace(&["add", &closed]).badly();
    assert!(unreached.contains("can't be had: git says:"), "{unreached}");
    assert_eq!(unreached.lines().count(), 1, "{unreached}");
}

fn at_a_tag_a_branch_or_a_commit() {
    let shop = Shop::open();
    let tool = |text: &str| TOOL.replace("'one'", &format!("'{text}'"));
    let first = shop.collection("net", &[("one.lua", &tool("first"))]);
    shop.git(
        "net",
        &["tag", "--annotate", "--message", "first", "v1.0.0"],
    );
    shop.write("net", &[("one.lua", &tool("second"))]);
    let second = shop.commit("net");
    shop.git("net", &["checkout", "--quiet", "-b", "side"]);
    shop.write("net", &[("one.lua", &tool("side"))]);
    shop.commit("net");
    shop.git("net", &["checkout", "--quiet", "main"]);
    shop.write("net", &[("one.lua", &tool("third"))]);
    shop.commit("net");
    for (at, says) in [
        (None, "third"),
        (Some("v1.0.0"), "first"),
        (Some("1.0.0"), "first"),
        (Some("side"), "side"),
        (Some(second.as_str()), "second"),
        (Some(&second[..9]), "second"),
        (Some(first.as_str()), "first"),
    ] {
        let words = ["add", "net", "--at"];
        let words = at.map_or(words[..2].to_vec(), |at| [&words[..], &[at]].concat());
        shop.moontrace(&words).well();
        assert_eq!(
            shop.moontrace(&["one"]).well(),
            format!("{says}\n"),
            "{at:?}"
        );
        shop.moontrace(&["remove", "net"]).well();
    }
    let gone = shop
        .moontrace(&["add", "net", "--at", &"0".repeat(40)])
        .badly();
    assert!(gone.contains("has no '0000"), "{gone}");
    let near = shop.moontrace(&["add", "net", "--at", "v1.0.1"]).badly();
    assert!(
        near.contains("has no 'v1.0.1'\n  did you mean 'v1.0.0'?"),
        "{near}"
    );
    let option = shop
        .moontrace(&["add", "net", "--at=--upload-pack=touch x"])
        .badly();
    assert!(
        option.contains("has no '--upload-pack=touch x'"),
        "{option}"
    );
}

fn an_update_shows_what_changes_and_is_taken_back() {
    let shop = Shop::open();
    shop.collection(
        "net",
        &[
            ("one.lua", TOOL),
            ("old.lua", TOOL),
            ("lib/dns.lua", "return 1"),
        ],
    );
    shop.moontrace(&["add", "net"]).well();
    let same = shop.moontrace(&["update", "net"]).well();
    assert!(same.contains("already"), "{same}");
    let before = shop.state();
    let wants = TOOL.replace(
        "Level: safe",
        "Level: sensitive\n-- Permissions: memory, stacks",
    );
    shop.write(
        "net",
        &[
            ("one.lua", &wants),
            ("new.lua", TOOL),
            ("lib/dns.lua", "return 2"),
        ],
    );
    shop.git("net", &["rm", "--quiet", "old.lua"]);
    shop.commit("net");
    let asks = shop.moontrace(&["update"]);
    assert_eq!(asks.status, Some(1), "{asks:?}");
    for line in [
        "new      net/new",
        "gone     net/old\n",
        "changed  net/one\n  level        safe → sensitive\n  may now also memory, stacks\n",
        "changed  net/lib/dns.lua\n",
    ] {
        assert!(asks.out.contains(line), "{line} {asks:?}");
    }
    assert!(
        asks.err.contains("'moontrace update net --yes' takes it"),
        "{asks:?}"
    );
    assert_eq!(shop.state(), before);
    shop.moontrace(&["update", "--yes"]).well();
    shop.moontrace(&["net/new", "-h"]).well();
    let gone = shop.moontrace(&["net/old"]).badly();
    assert!(
        gone.starts_with("the collection net has no tool 'old'"),
        "{gone}"
    );
    shop.moontrace(&["update", "net", "--back"]).well();
    assert_eq!(shop.state(), before);
    let twice = shop.moontrace(&["update", "net", "--back"]).badly();
    assert!(
        twice.contains("no update that could be taken back"),
        "{twice}"
    );
}

fn short_names_are_for_one() {
    let shop = Shop::open();
    shop.collection("net", &[("one.lua", TOOL), ("opensnoop.lua", TOOL)]);
    shop.collection("disk", &[("one.lua", TOOL)]);
    shop.moontrace(&["add", "net"]).well();
    assert_eq!(shop.moontrace(&["one"]).well(), "one\n");
    shop.moontrace(&["add", "disk"]).well();
    let several = shop.moontrace(&["one"]).badly();
    assert_eq!(
        several,
        "several collections have a tool 'one'\n  one of disk/one, net/one\n"
    );
    assert_eq!(shop.moontrace(&["disk/one"]).well(), "one\n");
    // The binary's own wins.
    let own = shop.moontrace(&["opensnoop", "-h"]).well();
    assert!(own.starts_with("Trace open() calls"), "{own}");
    assert_eq!(own, shop.moontrace(&["moontrace/opensnoop", "-h"]).well());
    assert_eq!(shop.moontrace(&["net/opensnoop"]).well(), "one\n");
    let near = shop.moontrace(&["net/opensnop"]).badly();
    assert!(near.contains("did you mean 'opensnoop'?"), "{near}");
}

fn modules_of_declared_ones() {
    let shop = Shop::open();
    let net = [
        ("lib/dns.lua", "return 'dns of ' .. require 'name'"),
        ("lib/name.lua", "return 'net'"),
    ];
    shop.collection("net", &net);
    let says = |text: &str| TOOL.replace("print 'one'", text);
    let both = says("print(require 'net/dns', require 'name')");
    let manifest = format!(
        "name = \"mine\"\n{MANIFEST}[requires]\nnet = \"{}\"\n",
        shop.path("net").display()
    );
    let files = [
        ("collection.toml", manifest.as_str()),
        ("both.lua", &both),
        ("lib/name.lua", "return 'mine'"),
        ("undeclared.lua", &says("require 'disk/x'")),
        ("climbs.lua", &says("require '../../net/dns'")),
        ("absolute.lua", &says("require '/etc/passwd'")),
    ];
    shop.collection("mine", &files);
    let added = shop.moontrace(&["add", "mine"]).well();
    assert!(
        added.contains("it requires net: 'moontrace add /"),
        "{added}"
    );
    let missing = shop.moontrace(&["both"]).badly();
    assert!(
        missing.contains("the collection net, which mine requires, is not there"),
        "{missing}"
    );
    shop.moontrace(&["add", "net"]).well();
    // Each module sees its own collection's.
    assert_eq!(shop.moontrace(&["both"]).well(), "dns of net\tmine\n");
    // So does the author's own folder.
    assert_eq!(
        shop.moontrace(&["./mine/both.lua"]).well(),
        "dns of net\tmine\n"
    );
    let undeclared = shop.moontrace(&["undeclared"]).badly();
    assert!(
        undeclared
            .starts_with("mine/undeclared.lua:6: mine does not declare that it requires 'disk'"),
        "{undeclared}"
    );
    for tool in ["climbs", "absolute"] {
        let refused = shop.moontrace(&[tool]).badly();
        assert!(refused.contains("no module '"), "{refused}");
    }
}

fn changed_files_are_refused() {
    let shop = Shop::open();
    let tool = TOOL.replace("'one'", "(require 'm')");
    let commit = shop.collection("net", &[("one.lua", &tool), ("lib/m.lua", "return 'm'")]);
    shop.moontrace(&["add", "net"]).well();
    assert_eq!(shop.moontrace(&["one"]).well(), "m\n");
    let tree = shop.store().join(format!("net@{}", &commit[..12]));
    for file in ["lib/m.lua", "one.lua"] {
        let lies = tree.join(file);
        let text = fs::read_to_string(&lies).expect("it is there");
        fs::write(&lies, format!("{text} ")).expect("it can be written");
        let refused = shop.moontrace(&["one"]).badly();
        assert!(
            refused.contains(&format!("{file} was changed since it was added")),
            "{refused}"
        );
        assert!(
            refused.contains("'moontrace trust net' takes it as it is"),
            "{refused}"
        );
        let shown = shop.moontrace(&["show", "net"]).well();
        assert!(shown.contains(&format!("{file} was CHANGED")), "{shown}");
        shop.moontrace(&["trust", "net"]).well();
        assert_eq!(shop.moontrace(&["one"]).well(), "m\n");
    }
    fs::write(tree.join("one.lua"), "x").expect("it can be written");
    let listed = shop.moontrace(&["tools"]);
    assert!(
        listed.status == Some(0) && listed.err.starts_with("left out: "),
        "{listed:?}"
    );
    shop.moontrace(&["update", "net", "--yes"]).well();
    assert_eq!(shop.moontrace(&["one"]).well(), "m\n");
    fs::write(
        shop.store().join("lock.toml"),
        "format = 1\n[collections.net]\n",
    )
    .expect("it can be written");
    let broken = shop.moontrace(&["one"]).badly();
    assert!(broken.contains("lock.toml:2: "), "{broken}");
    // The binary's own tools need no lock.
    shop.moontrace(&["opensnoop", "-h"]).well();
}

/// A repository's name and files, and what is said of it.
type Refused<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn what_is_refused_leaves_all_as_it_was() {
    let shop = Shop::open();
    shop.collection("net", &[("one.lua", TOOL)]);
    shop.moontrace(&["add", "net"]).well();
    let before = shop.state();
    let manifest = format!("name = \"bad\"\n{MANIFEST}");
    let newer = manifest.replace("api = 1", "api = 99");
    let long = format!("--- x\n-- {}\n", "x".repeat(100 << 20));
    let malformed = "--- x\n-- Subject: nothing\n";
    let second = manifest.replace("\"bad\"", "\"net\"");
    let too_low = "--- x\n-- Level: safe\n-- Permissions: memory\n";
    let cases: [Refused; 6] = [
        (
            "newer",
            &[("collection.toml", &newer)],
            "collection.toml:3: it is made for API level 99",
        ),
        (
            "long",
            &[("collection.toml", &manifest), ("one.lua", &long)],
            "one.lua has 104857",
        ),
        (
            "malformed",
            &[("collection.toml", &manifest), ("one.lua", malformed)],
            "bad/one.lua:2: there is no subject 'nothing'",
        ),
        (
            "low",
            &[("collection.toml", &manifest), ("one.lua", too_low)],
            "bad/one.lua:2: 'Level: safe' says less",
        ),
        (
            "second",
            &[("collection.toml", &second)],
            "a collection 'net' is there already",
        ),
        (
            "bytes",
            &[("collection.toml", &manifest), ("lib", "a file")],
            "lib is a file, and would be a folder",
        ),
    ];
    for (name, files, message) in cases {
        shop.collection(name, files);
        let refused = shop.moontrace(&["add", name]).badly();
        assert!(refused.contains(message), "{name}: {refused}");
        assert_eq!(shop.state(), before, "{name}");
    }
    fs::create_dir(shop.path("plain")).expect("it can be made");
    shop.write("none", &[("one.lua", TOOL)]);
    shop.git("none", &["init", "--quiet"]);
    shop.commit("none");
    shop.git(".", &["init", "--quiet", "empty"]);
    let none = ["none", "it has no collection.toml"];
    let words = [
        none,
        ["plain", "can't be had: git says:"],
        ["empty", "empty has nothing in its default branch"],
        ["nowhere", "there is no folder 'nowhere'"],
        ["ext::sh -c 'touch ran'", "'ext::' would run a program"],
        ["--upload-pack=touch ran", "is no URL"],
        ["ftp://127.0.0.1/x", "'ftp' is no transport"],
        ["git://127.0.0.1:1/x", "can't be had: git says:"],
    ];
    for [what, message] in words {
        let refused = shop.moontrace(&["add", what]).badly();
        assert!(refused.contains(message), "{what}: {refused}");
        assert_eq!(shop.state(), before, "{what}");
    }
    for link in ["one.lua", "lib", "lib/m.lua", "collection.toml", "LICENSE"] {
        let name = format!("link-{}", link.replace(['/', '.'], "-").to_lowercase());
        shop.write(
            &name,
            &[("collection.toml", &manifest), ("lib/k.lua", "return 1")],
        );
        let lies = shop.path(&name).join(link);
        let _ = fs::remove_file(&lies);
        let _ = (link == "lib").then(|| fs::remove_dir_all(&lies));
        std::os::unix::fs::symlink("/etc/passwd", &lies).expect("it can be made");
        shop.collection(&name, &[]);
        let refused = shop.moontrace(&["add", &name]).badly();
        assert!(
            refused.contains(&format!("{link} is a symbolic link")),
            "{refused}"
        );
        assert_eq!(shop.state(), before, "{link}");
    }
    let no_git = shop
        .command(&product(), &["add", "net"])
        .env("PATH", "/nowhere")
        .output();
    let no_git = no_git.expect("the product starts");
    let no_git = String::from_utf8_lossy(&no_git.stderr).into_owned();
    assert!(no_git.starts_with("there is no git here"), "{no_git}");
    assert_eq!(shop.state().0, before.0);
    assert!(!shop.path("ran").exists());
}

/// Hooks, helpers and settings of the repository, of the caller and of the variables around.
fn nothing_of_a_repository_is_run() {
    let shop = Shop::open();
    shop.collection(
        "net",
        &[("one.lua", TOOL), (".gitattributes", "* filter=evil\n")],
    );
    let ran = shop.path("ran");
    let touch = format!("touch {}", ran.display());
    let script = format!("#!/bin/sh\n{touch}\n");
    for hook in [
        "post-checkout",
        "post-merge",
        "pre-receive",
        "reference-transaction",
        "fsmonitor",
    ] {
        let file = shop.path("net/.git/hooks").join(hook);
        fs::create_dir_all(file.parent().expect("it has a folder")).expect("it can be made");
        fs::write(&file, &script).expect("it can be written");
        let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&file, runs).expect("it can be set");
    }
    for (key, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("filter.evil.smudge", &touch),
        ("uploadpack.packObjectsHook", &touch),
        ("core.sshCommand", &touch),
        ("core.gitProxy", &touch),
        ("credential.helper", &touch),
        ("core.alternateRefsCommand", &touch),
    ] {
        shop.git("net", &["config", key, value]);
    }
    let global =
        format!("[core]\n\tgitProxy = {touch}\n[uploadpack]\n\tpackObjectsHook = {touch}\n");
    shop.write("home", &[(".gitconfig", &global)]);
    let mut add = shop.command(&product(), &["add", "net"]);
    add.env_remove("GIT_CONFIG_GLOBAL")
        .env("GIT_SSH_COMMAND", &touch)
        .env("GIT_EXEC_PATH", "/nowhere")
        .env("GIT_DIR", "/nowhere")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .env("GIT_CONFIG_VALUE_0", &touch);
    let output = add.output().expect("the product starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(shop.moontrace(&["one"]).well(), "one\n");
    assert!(!ran.exists(), "something of the repository was run");
}

/// A tree as no git would write it: names as they are.
fn raw_tree(shop: &Shop, repository: &str, entries: &[(&str, &[u8], &str)]) -> String {
    let mut tree = Vec::new();
    for (mode, name, object) in entries {
        tree.extend_from_slice(format!("{mode} ").as_bytes());
        tree.extend_from_slice(name);
        tree.push(0);
        let digits = object
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).into_owned());
        tree.extend(digits.map(|pair| u8::from_str_radix(&pair, 16).expect("digits")));
    }
    let words = [
        "-C",
        repository,
        "hash-object",
        "-t",
        "tree",
        "-w",
        "--stdin",
        "--literally",
    ];
    let mut git = shop.command("git", &words);
    let mut child = git
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(&tree).expect("git listens");
    drop(input);
    let mut object = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut object)
        .expect("UTF-8");
    assert!(child.wait().expect("it ends").success());
    object.trim().to_owned()
}

fn odd_files_are_left_out() {
    let shop = Shop::open();
    shop.collection(
        "net",
        &[("one.lua", TOOL), ("notes.txt", "x"), ("src/x.c", "x")],
    );
    let blob = shop.git("net", &["rev-parse", "HEAD:one.lua"]);
    let manifest = shop.git("net", &["rev-parse", "HEAD:collection.toml"]);
    let commit = shop.git("net", &["rev-parse", "HEAD"]);
    let inner = raw_tree(
        &shop,
        "net",
        &[
            ("100644", b"../../../../out.lua", &blob),
            ("100644", b"good.lua", &blob),
        ],
    );
    let entries: &[(&str, &[u8], &str)] = &[
        ("100644", b"-c.lua", &blob),
        ("100644", b".lua", &blob),
        ("100644", b"../../out.lua", &blob),
        ("40000", b"..", &inner),
        ("40000", b".git", &inner),
        ("100644", b"LICENSE\x1b[2J", &blob),
        ("100644", b"a b.lua", &blob),
        ("100644", b"collection.toml", &manifest),
        ("100644", b"esc\x1b]0;x\x07.lua", &blob),
        ("100644", b"latin\xff.lua", &blob),
        ("40000", b"lib", &inner),
        ("100644", b"line\nbreak.lua", &blob),
        ("100644", b"one.lua", &blob),
        ("160000", b"sub", &commit),
    ];
    let tree = raw_tree(&shop, "net", entries);
    let commit = shop.git("net", &["commit-tree", &tree, "-m", "odd"]);
    shop.git("net", &["update-ref", "refs/heads/main", &commit]);
    let added = shop.moontrace(&["add", "net"]).well();
    let left = added
        .lines()
        .find_map(|line| line.strip_prefix("left out: "));
    let left = left.unwrap_or_else(|| panic!("{added}"));
    for name in [
        "-c.lua",
        "../../out.lua",
        "LICENSE\\x1b[2J",
        "a b.lua",
        "esc\\x1b]0;x\\x07.lua",
        "latin\\xff.lua",
        "line\\nbreak.lua",
        "lib/../../../../out.lua",
        "sub (a submodule)",
    ] {
        assert!(left.contains(name), "{name}: {added}");
    }
    let mut names = Vec::new();
    files_below(&shop.path("data"), &mut names);
    names.sort();
    let tree = format!("net@{}", &commit[..12]);
    let lies = |name: &str| format!("{tree}/{name}");
    let expected = [
        lies("collection.toml"),
        lies("lib/good.lua"),
        lies("one.lua"),
    ];
    let found: Vec<String> = names
        .iter()
        .filter_map(|path| Some(path.split_once("collections/")?.1.to_owned()))
        .collect();
    let found: Vec<&String> = found.iter().filter(|path| path.contains('@')).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    assert!(!shop.path("data/moontrace/out.lua").exists() && !shop.path("out.lua").exists());
}

fn files_below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("it can be read").flatten() {
        match entry.path().is_dir() {
            true => files_below(&entry.path(), found),
            false => found.push(entry.path().display().to_string()),
        }
    }
}

fn escapes_never_reach_the_terminal() {
    let shop = Shop::open();
    let esc = "\x1b]0;x\x07\x1b[2J\u{202e}";
    let tool = format!(
        "--- Say{esc}.\n-- More{esc}.\n-- Usage: one [OPTIONS]\n--   -x, --x{esc}N   text{esc}\n-- Subject: network\n-- Example: one {esc}\nprint '{esc}'\n"
    );
    let well = tool.replace(&format!("--x{esc}N"), "--xx N");
    shop.collection("net", &[("one.lua", &well), ("README.md", esc)]);
    shop.collection("bad", &[("one.lua", &tool)]);
    let manifest = format!("name = \"worse\"\n{MANIFEST}").replace("Ada", "\\u001b[2J");
    shop.collection(
        "worse",
        &[
            ("collection.toml", &manifest),
            ("one.lua", &well.replace("network", esc)),
        ],
    );
    shop.moontrace(&["add", "net"]).well();
    for words in [
        &["add", "bad"][..],
        &["add", "worse"],
        &["tools"],
        &["tools", esc],
        &["show", "net"],
        &["show", "net/one"],
        &["show", esc],
        &["net/one", "-h"],
        &["net/one", esc],
        &["remove", esc],
        &["add", esc],
        &["add", "net", "--at", esc],
        &["check", "net/one"],
        &["explain", "net/one"],
        &["test", esc],
        &["update", esc],
        &["update", "net", "--at", esc, "--yes"],
        &["trust", "net"],
    ] {
        let said = shop.moontrace(words);
        let text = said.out + &said.err;
        assert!(
            !text.is_empty() || ["check", "explain"].contains(&words[0]),
            "{words:?}"
        );
        let steers = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
        assert!(!text.contains(steers), "{words:?}: {text:?}");
    }
}

fn two_at_once() {
    let shop = Shop::open();
    let names = ["aa", "bb", "cc", "dd"];
    for name in names {
        shop.collection(name, &[("one.lua", TOOL)]);
    }
    let add = |name: &&str| {
        let mut command = shop.command(&product(), &["add", name]);
        let pipes = command.stdout(Stdio::null()).stderr(Stdio::null());
        pipes.spawn().expect("the product starts")
    };
    let adding: Vec<Child> = names.iter().map(add).collect();
    for mut child in adding {
        assert!(child.wait().expect("it ends").success());
    }
    for name in names {
        assert_eq!(shop.moontrace(&[&format!("{name}/one")]).well(), "one\n");
    }
}

/// `scripts/PUBLISHING.md`, from the first command to the last, with a folder of the test's as the server.
fn the_page_is_what_a_new_user_types() {
    let shop = Shop::open();
    let mut script = String::from("set -ex\n");
    let mut lines = include_str!("../../../scripts/PUBLISHING.md")
        .lines()
        .peekable();
    while let Some(line) = lines.next() {
        let Some(line) = line.strip_prefix("    ") else {
            continue;
        };
        let first = line.split(['(', ' ']).next().unwrap_or_default();
        if let Some(file) = match first {
            "#!/usr/bin/env" => Some("renames.lua"),
            "case" => Some("tests/renames.lua"),
            _ => None,
        } {
            script.push_str(&format!("cat > {file} <<'END'\n{line}\n"));
            while let Some(more) = lines.next_if(|line| line.starts_with("    ")) {
                script.push_str(&format!("{}\n", &more[4..]));
            }
            script.push_str("END\n");
        } else if ["git", "moontrace", "sudo", "cd", "sed"].contains(&first) {
            // What is asked of a person is agreed to, and no other's doings are shown.
            let line = line.replace("--duration 1s", "-c true");
            let line = line.replace("update mytools", "update mytools --yes");
            script.push_str(&format!("{line}\n"));
        }
    }
    let server = shop.path("server").display().to_string();
    let script = script.replace("/tmp/server", &server);
    shop.write("bin", &[("sudo", "#!/bin/sh\nexec \"$@\"\n")]);
    let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(shop.path("bin/sudo"), runs).expect("it can be set");
    std::os::unix::fs::symlink(product(), shop.path("bin/moontrace")).expect("it can be made");
    shop.write("home", &[("nothing", "")]);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = shop.command("sh", &["-c", &script]);
    shell.env("PATH", format!("{}:{path}", shop.path("bin").display()));
    for name in ["GIT_CONFIG_GLOBAL", "XDG_DATA_HOME"] {
        shell.env_remove(name);
    }
    for name in ["AUTHOR", "COMMITTER"] {
        shell.env_remove(format!("GIT_{name}_NAME"));
        shell.env_remove(format!("GIT_{name}_EMAIL"));
    }
    let output = shell.output().expect("a shell starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for line in [
        "3 passed, 0 skipped, 0 failed",
        "added mytools 0.1.0",
        "updated mytools to 0.2.0",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

/// Whatever moment it is killed at, what is there is the old or the new, whole.
fn killed_at_any_moment() {
    const ROUNDS: u32 = 40;
    let shop = Shop::open();
    let tool = |text: &str| TOOL.replace("'one'", &format!("(require('m') .. '{text}')"));
    let files = |text: &str| {
        shop.write(
            "net",
            &[
                ("one.lua", &tool(text)),
                ("lib/m.lua", &format!("return '{text}'")),
            ],
        );
    };
    files("0");
    shop.collection("net", &[]);
    let began = Instant::now();
    shop.moontrace(&["add", "net"]).well();
    let mut lasts = began.elapsed();
    let mut random = u64::from(std::process::id()) | 1;
    let (mut old, mut taken) = ("0".to_owned(), 0);
    for round in 1..=ROUNDS {
        let new = round.to_string();
        files(&new);
        shop.commit("net");
        let mut update = shop.command(&product(), &["update", "net", "--yes"]);
        let pipes = update.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = pipes.spawn().expect("the product starts");
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let share = (random % 1100) as f64 / 1000.0;
        std::thread::sleep(lasts.mul_f64(share));
        let _ = child.kill();
        let _ = child.wait();
        let says = shop.moontrace(&["net/one"]).well();
        let is = if says == format!("{new}{new}\n") {
            &new
        } else {
            &old
        };
        assert_eq!(says, format!("{is}{is}\n"), "round {round}");
        let shown = shop.moontrace(&["show", "net"]).well();
        assert!(!shown.contains("CHANGED"), "{shown}");
        let is_taken = *is == new;
        taken += u32::from(is_taken);
        // It comes nearer to the moment that counts, however busy the machine is.
        lasts = lasts.mul_f64(if is_taken { 0.93 } else { 1.07 });
        old = is.clone();
    }
    assert!(
        (1..ROUNDS).contains(&taken),
        "{taken} of {ROUNDS} were taken"
    );
    // And it goes on from whatever the last one left.
    let last = shop.moontrace(&["update", "net", "--yes"]);
    assert_eq!(last.status, Some(0), "{last:?}");
    let (_, names) = shop.state();
    assert!(
        names.iter().all(|name| !name.starts_with('.')) && names.len() <= 3,
        "{names:?}"
    );
    // An installation that is killed is there or isn't.
    for _ in 0..10 {
        shop.moontrace(&["remove", "net"]);
        let mut child = shop.command(&product(), &["add", "net"]);
        let pipes = child.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = pipes.spawn().expect("the product starts");
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(lasts.mul_f64((random % 1100) as f64 / 1000.0));
        let _ = child.kill();
        let _ = child.wait();
        let ran = shop.moontrace(&["net/one"]);
        let installed = shop.moontrace(&["show", "net"]).status == Some(0);
        assert_eq!(ran.status == Some(0), installed, "{ran:?}");
    }
}
