//! `moontrace types DIR`: what editors know scripts by.

use crate::lua::docs;
use crate::report::{Report, plainly};
use std::path::Path;

/// What the file is called.
const FILE: &str = "moontrace.lua";

/// Writes the definitions into a folder, which is made where there is none, and says what was written.
///
/// # Errors
/// One report, when the folder can't be made or the file can't be written.
pub(super) fn write(folder: &Path) -> Result<String, Report> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let why = plainly(&error);
        Report::new(format!(
            "the folder {} can't be made: {why}",
            folder.display()
        ))
    })?;
    let file = folder.join(FILE);
    std::fs::write(&file, docs::meta()).map_err(|error| {
        let why = plainly(&error);
        Report::new(format!("{} can't be written: {why}", file.display()))
    })?;
    Ok(format!("{}\n", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_what_stands_in_the_way_is_said() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("share/lua");
        let said = write(&folder).unwrap();
        let file = folder.join(FILE);
        assert_eq!(said, format!("{}\n", file.display()));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), docs::meta());
        // Once more is as good; a file is no folder, and a folder no file.
        write(&folder).unwrap();
        let report = write(&file.join("below")).unwrap_err().to_string();
        assert!(report.contains("can't be made: "), "{report}");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        let report = write(&folder).unwrap_err().to_string();
        assert!(report.contains("can't be written: "), "{report}");
    }
}
