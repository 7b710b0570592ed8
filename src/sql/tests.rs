//! Whole files: what is read, what is refused, and the files that come with the project.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Problem, read};
use crate::model::template::{ContentHash, PlaceholderKind, SourceFile};

fn read_bytes(bytes: &[u8]) -> Result<SourceFile, Vec<Problem>> {
    read("f.sql", Path::new("some/f.sql"), bytes)
}

/// Each problem as `line:column`.
fn places(bytes: &[u8]) -> Vec<String> {
    let problems = read_bytes(bytes).expect_err("a bad file");
    problems
        .iter()
        .map(|problem| format!("{}:{}", problem.line, problem.column))
        .collect()
}

#[test]
fn a_file_is_normalised() {
    let plain =
        read_bytes(b"-- tenantry: allow DELETES_DATA\nDROP TABLE t;\n").expect("a good file");
    let windows = b"\xef\xbb\xbf-- tenantry: allow DELETES_DATA\r\nDROP TABLE t;\r\n";
    let windows = read_bytes(windows).expect("a good file");
    assert_eq!(windows.text, plain.text);
    assert_eq!(windows.hash, plain.hash);
    assert_eq!(plain.hash, ContentHash::of(&plain.text));
    assert!(windows.directives.allows_deletes_data);
    assert_eq!(windows.deletes[0].line, 2);
    assert_eq!(
        (windows.name.as_str(), windows.path.as_path()),
        ("f.sql", Path::new("some/f.sql"))
    );
    // A lone carriage return is text, and ends a line comment for PostgreSQL.
    assert_eq!(
        read_bytes(b"SELECT 'a\rb'").expect("a good file").text,
        "SELECT 'a\rb'"
    );
    assert_eq!(places(b"-- x\rCOMMIT"), ["1:6"]);
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let text = "-- tenantry: onyl tag:a\nSET x = 1;\r\nSELECT 'é', {{nope}}; COMMIT; \\i x\n\
                CREATE INDEX CONCURRENTLY i ON t (a);\n-- tenantry: allow DELETES_DATA\nSELECT '\0\n";
    assert_eq!(
        places(text.as_bytes()),
        [
            "1:1", "2:1", "3:13", "3:23", "3:31", "4:14", "5:1", "6:8", "6:9"
        ]
    );
    let problems = read_bytes(text.as_bytes()).expect_err("a bad file");
    assert!(problems.iter().all(|problem| problem.hint.is_some()));
}

#[test]
fn what_is_not_text_is_refused() {
    assert_eq!(places(b"SELECT 1;\n -- \xc3\xa9 \xff"), ["2:7"]);
    assert_eq!(places(b"\xef\xbb\xbfSELECT 'a\0'"), ["1:10"]);
    assert_eq!(
        places(
            "S\0"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
                .as_slice()
        ),
        ["1:2"]
    );
}

#[test]
fn what_has_no_end_is_named_where_it_begins() {
    for (text, what) in [
        ("SELECT\n 'x", "string"),
        ("SELECT\n \"x", "quoted identifier"),
        ("SELECT\n $a$ $$", "dollar-quoted string"),
        ("SELECT\n /* /* */", "comment"),
        ("SELECT\n {{ident:a", "placeholder"),
    ] {
        let problems = read_bytes(text.as_bytes()).expect_err("a bad file");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((problems[0].line, problems[0].column), (2, 2));
        assert!(problems[0].message.contains(what), "{problems:?}");
    }
    let problems = read_bytes(b"SELECT $a$ $$").expect_err("a bad file");
    assert_eq!(problems[0].hint.as_deref(), Some("Close it with $a$"));
}

/// Every `.sql` file of the project that is a tenant's.
fn shipped() -> Vec<SourceFile> {
    let mut folders: Vec<PathBuf> = ["templates", "tenant_migrations", "examples"]
        .iter()
        .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                let name = path
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                let bytes = fs::read(&path).expect("a readable file");
                let file = read(&name, &path, &bytes);
                files.push(
                    file.unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display())),
                );
            }
        }
    }
    files
}

#[test]
fn shipped_files_are_good() {
    let files = shipped();
    assert!(files.len() >= 15, "{}", files.len());
    for file in &files {
        let what: Vec<&str> = file.deletes.iter().map(|loss| loss.what.as_str()).collect();
        if file.name == "V20250120000001__add_audit_columns.down.sql" {
            assert_eq!(what, ["DROP COLUMN"; 12]);
            assert!(file.directives.allows_deletes_data);
        } else {
            assert!(what.is_empty(), "{}: {what:?}", file.name);
            assert!(!file.directives.allows_deletes_data, "{}", file.name);
        }
    }
    let lookups = files
        .iter()
        .find(|file| file.name == "030_lookups.sql")
        .expect("is shipped");
    assert_eq!(lookups.placeholders.len(), 1);
    assert_eq!(lookups.placeholders[0].kind, PlaceholderKind::Literal);
    assert_eq!(lookups.placeholders[0].value, "vars.currency");
}
