use super::*;
use crate::collection::{Collection, Part};

fn content(commit: char, files: &[(&str, &str)]) -> Content {
    let manifest =
        "name = \"net\"\nversion = \"1.0.0\"\napi = 1\nlicence = \"MIT\"\nmaintainers = [\"A\"]\n";
    let files = files.iter().copied().chain([("collection.toml", manifest)]);
    Content {
        url: "/somewhere".into(),
        at: None,
        commit: commit.to_string().repeat(40),
        manifest: Manifest::parse("collection.toml", manifest).unwrap(),
        files: files
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .collect(),
        left_out: Vec::new(),
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(folder.path().join("collections"));
    (folder, store)
}

fn trees(store: &Store) -> Vec<String> {
    let entries = fs::read_dir(store.folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains('@')).collect();
    names.sort();
    names
}

#[test]
fn what_is_installed_is_found_updated_and_taken_back() {
    let (_folder, store) = store();
    assert!(store.all().unwrap().is_empty());
    let first = content('a', &[("slow.lua", "x = 1"), ("lib/dns.lua", "return 1")]);
    store.change(|| {}).unwrap().install(&first).unwrap();
    let shared = store.get("net").unwrap().unwrap();
    let text = shared.get(Part::Tool, "slow").unwrap().unwrap();
    assert_eq!(
        (text.file.as_str(), text.text.as_str()),
        ("net/slow.lua", "x = 1")
    );
    let collection = Collection::from(shared.clone());
    assert_eq!(collection.names(Part::Module), ["dns"]);
    assert_eq!(collection.names(Part::Tool), ["slow"]);
    let lies = shared.folder.join("slow.lua");
    assert_eq!(store.holds(&lies).unwrap().unwrap().1, "slow.lua");
    let again = content('b', &[("slow.lua", "x = 2")]);
    store.change(|| {}).unwrap().install(&again).unwrap();
    assert_eq!(trees(&store), ["net@aaaaaaaaaaaa", "net@bbbbbbbbbbbb"]);
    // The old one is no longer what runs.
    assert!(store.holds(&lies).is_err());
    let back = store.change(|| {}).unwrap().take_back("net").unwrap();
    assert_eq!(back.get(Part::Tool, "slow").unwrap().unwrap().text, "x = 1");
    assert_eq!(trees(&store), ["net@aaaaaaaaaaaa"]);
    let twice = store.change(|| {}).unwrap().take_back("net").unwrap_err();
    assert!(twice.message.contains("no update that could be taken back"));
    store.change(|| {}).unwrap().remove("net").unwrap();
    assert!(store.all().unwrap().is_empty() && trees(&store).is_empty());
    let gone = store.change(|| {}).unwrap().remove("net").unwrap_err();
    assert!(gone.help.unwrap().contains("moontrace add URL"));
}

#[test]
fn a_changed_file_is_refused_until_it_is_accepted() {
    let (_folder, store) = store();
    let files = [
        ("slow.lua", "x = 1"),
        ("other.lua", "y = 1"),
        ("lib/m.lua", "return 1"),
    ];
    let shared = store
        .change(|| {})
        .unwrap()
        .install(&content('a', &files))
        .unwrap();
    let digest = shared.digest("slow").unwrap();
    fs::write(shared.folder.join("slow.lua"), "x = 2").unwrap();
    let refused = shared.get(Part::Tool, "slow").unwrap_err();
    assert!(
        refused
            .message
            .contains("slow.lua was changed since it was added")
    );
    assert!(refused.help.unwrap().contains("moontrace trust net"));
    assert!(shared.get(Part::Tool, "other").unwrap().is_some());
    assert_eq!(store.accept("net").unwrap(), ["slow.lua"]);
    let shared = store.get("net").unwrap().unwrap();
    assert_eq!(
        shared.get(Part::Tool, "slow").unwrap().unwrap().text,
        "x = 2"
    );
    let accepted = shared.digest("slow").unwrap();
    assert_ne!(digest, accepted);
    // A module counts for every tool that may require it.
    fs::write(shared.folder.join("lib/m.lua"), "return 2").unwrap();
    store.accept("net").unwrap();
    assert_ne!(
        store.get("net").unwrap().unwrap().digest("slow").unwrap(),
        accepted
    );
    // What was put there beside the lock is not there.
    fs::write(shared.folder.join("new.lua"), "z = 1").unwrap();
    assert_eq!(shared.get(Part::Tool, "new"), Ok(None));
    fs::remove_file(shared.folder.join("slow.lua")).unwrap();
    assert!(
        shared
            .get(Part::Tool, "slow")
            .unwrap_err()
            .message
            .contains("is gone")
    );
}

#[test]
fn what_an_interrupted_change_left_is_swept_by_the_next() {
    let (_folder, store) = store();
    store
        .change(|| {})
        .unwrap()
        .install(&content('a', &[]))
        .unwrap();
    for left in [".new/lib", "net@0123", ".fetch/objects"] {
        fs::create_dir_all(store.folder().join(left)).unwrap();
    }
    fs::write(store.folder().join(".lock.toml"), "half").unwrap();
    drop(store.change(|| {}).unwrap());
    assert_eq!(trees(&store), ["net@aaaaaaaaaaaa"]);
    assert!(!store.folder().join(".lock.toml").exists() && !store.folder().join(".fetch").exists());
}

#[test]
fn changes_wait_for_each_other() {
    let (_folder, store) = store();
    let first = store.change(|| {}).unwrap();
    let (other, (tell, told)) = (store.clone(), std::sync::mpsc::channel());
    let waiting = std::thread::spawn(move || {
        let change = other.change(|| tell.send(()).unwrap()).unwrap();
        change.names().count()
    });
    told.recv().unwrap();
    first.install(&content('a', &[])).unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
}
