//! Changing the key file: one writer at a time, and never half a file.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::file::{self, Entry};

/// The mode of a new key file: nothing in it is secret, and the exchange may run as another user.
const MODE: u32 = 0o644;

/// Reads the key file at `path` (none is an empty one), has `change` change it, and puts the result in its place, which
/// happens at once or not at all, and has reached the disk when this returns. Another writer waits meanwhile.
///
/// # Errors
/// What `change` says, and then nothing has changed; in words, when the file is damaged or cannot be written.
pub fn edit<T>(path: &Path, change: impl FnOnce(&mut Vec<Entry>) -> Result<T, String>) -> Result<T, String> {
    // A link stays one: what it points at is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |what: &str, error: std::io::Error| {
        format!(
            "the key file {} cannot be {what}: {error}; nothing has changed",
            path.display()
        )
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|error| failed("written", error))?;
    // The file itself is another one after each change, so the lock is on its folder.
    let folder_handle = File::open(folder).map_err(|error| failed("written", error))?;
    folder_handle.lock().map_err(|error| failed("locked", error))?;

    let mut keys = match file::read(path)? {
        Some(text) => file::parse(path, &text)?,
        None => Vec::new(),
    };
    let result = change(&mut keys)?;
    let text = file::print(&keys)?;
    // What cannot be read back must not replace what can.
    if file::parse(path, &text)? != keys {
        return Err(format!(
            "the key file {} would not be read as it was meant; nothing has changed",
            path.display()
        ));
    }
    let mode = fs::metadata(path).map_or(MODE, |found| found.permissions().mode() & 0o7777);
    let new = beside(path);
    replace(path, &new, &text, mode).map_err(|error| {
        let _ = fs::remove_file(&new);
        failed("written", error)
    })?;
    folder_handle.sync_all().map_err(|error| {
        format!(
            "the key file {} is written, but its folder cannot be synced: {error}",
            path.display()
        )
    })?;
    Ok(result)
}

fn replace(path: &Path, new: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = File::create(new)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// The name under which the next file is written; the lock keeps it to one writer, and a crash leaves it to the next.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
