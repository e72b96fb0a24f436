//! A replica as a snapshot file, and back.

use hoga_engine::Engine;
use hoga_journal::{
    Position, SectionReader, SnapshotError, SnapshotFile, SnapshotHead, SnapshotReader, SnapshotWriter,
    Snapshots,
};
use hoga_protocol::Nanos;
use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_views::{ViewLimits, Views};

use crate::replica::Replica;

/// The section of a snapshot that holds the engine.
pub const SNAPSHOT_ENGINE: u32 = 1;
/// The section that holds the views.
pub const SNAPSHOT_VIEWS: u32 = 2;

/// Writes `replica`, which stands at `position` of journal `journal_id`, into `snapshots`, and reads it back. With
/// `sync` it is on the disk once this returns.
///
/// # Errors
/// The file cannot be written, or what was read back is not what was written. No file is left then.
pub fn take(
    replica: &Replica,
    snapshots: &Snapshots,
    journal_id: u32,
    position: Position,
    taken_at: Nanos,
    sync: bool,
) -> Result<SnapshotFile, SnapshotError> {
    let head = SnapshotHead {
        journal_id,
        position,
        state_digest: replica.engine.state_digest(),
        rules: replica.engine.rules(),
        taken_at: taken_at.0,
    };
    let mut writer = snapshots.begin(&head, sync)?;
    writer.section(SNAPSHOT_ENGINE);
    replica.engine.write_image(&mut Sink(&mut writer));
    writer.section(SNAPSHOT_VIEWS);
    replica.views.write_image(&mut Sink(&mut writer));
    writer.finish()
}

/// Reads the replica that `snapshot` holds; `limits` may differ from those it was written with.
///
/// # Errors
/// In words: the file changed under the reader, was written by a newer program, or holds another state than its head
/// says.
pub fn restore(snapshot: &mut SnapshotReader, limits: ViewLimits) -> Result<Replica, String> {
    let engine = section(snapshot, SNAPSHOT_ENGINE, |source| Engine::read_image(source))?;
    let views = section(snapshot, SNAPSHOT_VIEWS, |source| {
        Views::read_image(limits, source)
    })?;
    let replica = Replica::of(engine, views);
    let head = snapshot.head();
    if replica.last_sequence() != head.position.next_sequence - 1
        || replica.views.sequence() != replica.engine.last_sequence()
    {
        return Err(format!(
            "its engine stands at sequence {}, its views at {}, and its head says {}",
            replica.last_sequence(),
            replica.views.sequence().0,
            head.position.next_sequence - 1
        ));
    }
    if replica.engine.state_digest() != head.state_digest {
        return Err("its engine has another digest than its head says".to_owned());
    }
    Ok(replica)
}

fn section<T>(
    snapshot: &mut SnapshotReader,
    id: u32,
    read: impl FnOnce(&mut Source<'_>) -> Result<T, ImageError>,
) -> Result<T, String> {
    let name = if id == SNAPSHOT_ENGINE { "engine" } else { "views" };
    let reader = snapshot.section(id).map_err(|error| error.to_string())?;
    let mut source = Source {
        reader,
        failure: None,
    };
    let read = read(&mut source);
    if let Some(failure) = source.failure {
        return Err(failure.to_string());
    }
    let read = read.map_err(|error| format!("its {name} section cannot be read: {error}"))?;
    source.reader.end().map_err(|error| error.to_string())?;
    Ok(read)
}

struct Sink<'a>(&'a mut SnapshotWriter);

impl ImageSink for Sink<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

struct Source<'a> {
    reader: SectionReader<'a>,
    failure: Option<SnapshotError>,
}

impl ImageSource for Source<'_> {
    fn take(&mut self, into: &mut [u8]) -> Result<(), ImageError> {
        if self.reader.remaining() < into.len() as u64 {
            return Err(ImageError::Truncated);
        }
        self.reader.read_exact(into).map_err(|error| {
            self.failure = Some(error);
            ImageError::Truncated
        })
    }
}
