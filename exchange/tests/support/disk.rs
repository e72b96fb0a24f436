//! A disk of a test's own whose power can be cut: a file system on a loop device, stopped by its own shutdown ioctl.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// XFS makes no file system smaller than 300 MiB; the image is sparse.
const IMAGE_BYTES: u64 = 320 << 20;

/// What of the file system's own log still reaches the disk when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing: names and sizes that were not synced are gone (`NOLOGFLUSH`).
    Bare,
    /// All of it: names and sizes are there, data that was not synced is gone (`LOGFLUSH`).
    LogFlushed,
}

/// A mounted file system. Dropping it unmounts; the loop device goes with the mount.
pub struct Disk {
    image: PathBuf,
    /// Where it is mounted.
    pub root: PathBuf,
}

impl Disk {
    /// Makes and mounts a file system (`ext4` or `xfs`) in `dir`; what is missing here (root, loop devices, a tool), in
    /// words.
    pub fn new(dir: &Path, file_system: &str) -> Result<Disk, String> {
        let disk = Disk {
            image: dir.join(format!("{file_system}.img")),
            root: dir.join(file_system),
        };
        fs::create_dir(&disk.root).unwrap();
        File::create_new(&disk.image)
            .and_then(|image| image.set_len(IMAGE_BYTES))
            .unwrap();
        let image = disk.image.to_str().unwrap();
        match file_system {
            "ext4" => run("mkfs.ext4", &["-q", "-F", "-b", "4096", image])?,
            _ => run("mkfs.xfs", &["-q", "-f", image])?,
        }
        disk.mount()?;
        run("xfs_io", &["-r", "-c", "stat", disk.root.to_str().unwrap()])?;
        Ok(disk)
    }

    /// Cuts the power: from now on every write and sync fails, and what was not synced is gone.
    pub fn cut(&self, cut: Cut) {
        let command = match cut {
            Cut::Bare => "shutdown",
            Cut::LogFlushed => "shutdown -f",
        };
        run("xfs_io", &["-x", "-c", command, self.root.to_str().unwrap()]).unwrap();
    }

    /// Power again: unmounted and mounted, so that the file system replays its log and no cache is left.
    pub fn power_on(&self) {
        self.unmount().unwrap();
        self.mount().unwrap();
    }

    fn mount(&self) -> Result<(), String> {
        run(
            "mount",
            &[
                "-o",
                "loop",
                self.image.to_str().unwrap(),
                self.root.to_str().unwrap(),
            ],
        )
    }

    /// A process that has just ended may hold the mount for a moment yet.
    fn unmount(&self) -> Result<(), String> {
        let mut unmounted = run("umount", &[self.root.to_str().unwrap()]);
        for _ in 0..100 {
            if unmounted.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            unmounted = run("umount", &[self.root.to_str().unwrap()]);
        }
        unmounted
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &[self.root.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim()))
}
