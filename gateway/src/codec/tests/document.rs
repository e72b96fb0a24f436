//! Tables of the document that are written from the code.

/// Compares the table of a document in `docs/` that stands between two marks with what the code says, or writes it anew with
/// `DOCUMENT_TABLES=1`.
pub fn check_table(file: &str, name: &str, wanted: &str) {
    let path = format!("{}/../docs/{file}", env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- {name}, from their table in the code -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let (before, rest) = document.split_once(&begin).expect("where the table begins");
    let (table, after) = rest.split_once(&end).expect("where the table ends");
    if std::env::var_os("DOCUMENT_TABLES").is_some() {
        std::fs::write(&path, [before, &begin, wanted, &end, after].concat()).unwrap();
    } else {
        assert_eq!(
            table, wanted,
            "write it anew: DOCUMENT_TABLES=1 cargo test -p hoga-gateway --lib table_of"
        );
    }
}
