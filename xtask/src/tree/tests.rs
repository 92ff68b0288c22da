use std::{env, process};

use super::*;

/// A folder of this test alone, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = env::temp_dir().join(format!("herenow-xtask-{}-{name}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn files(list: &[(&str, &str)]) -> Files {
    list.iter()
        .map(|(name, text)| (name.into(), text.as_bytes().to_vec()))
        .collect()
}

#[test]
fn what_was_laid_out_is_what_is_read() {
    let folder = Folder::new("same");
    let wanted = files(&[
        ("index.js", "export {}"),
        ("deep/er/file.txt", ""),
        ("é", "ü"),
    ]);
    lay_out(&wanted, &folder.0).unwrap();
    assert_eq!(read(&folder.0).unwrap(), wanted);
}

#[test]
fn a_folder_that_is_not_there_is_made() {
    let folder = Folder::new("made");
    let wanted = files(&[("a", "1")]);
    lay_out(&wanted, &folder.0.join("not/yet")).unwrap();
    assert_eq!(read(&folder.0.join("not/yet")).unwrap(), wanted);
}

#[test]
fn stale_files_go_and_changed_ones_are_replaced() {
    let folder = Folder::new("stale");
    lay_out(
        &files(&[("gone", "1"), ("deep/gone", "2"), ("kept", "old")]),
        &folder.0,
    )
    .unwrap();
    let wanted = files(&[("kept", "new")]);
    lay_out(&wanted, &folder.0).unwrap();
    assert_eq!(read(&folder.0).unwrap(), wanted);
    assert!(!folder.0.join("deep").exists());
}

#[test]
fn a_file_that_is_as_it_should_be_is_not_written() {
    let folder = Folder::new("untouched");
    let wanted = files(&[("a", "1")]);
    lay_out(&wanted, &folder.0).unwrap();
    let path = folder.0.join("a");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    lay_out(&wanted, &folder.0).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}
