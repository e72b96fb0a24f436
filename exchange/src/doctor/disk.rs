//! The disk under the data folder: whether it keeps what it is given, and how long that takes.

use std::time::Duration;

use super::host::Host;
use super::report::Finding;
use crate::config::Durability;

/// What the data folder comes to; nothing where there is none.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    let Some(mount) = mount(host) else {
        return vec![Finding::unknown(
            "file system",
            format!("{} is not there yet", host.config.data_dir.display()),
            "",
            "hoga doctor --data-dir DIR, once there is one",
        )];
    };
    let mut findings = vec![file_system(host, &mount)];
    if !is_memory(&mount.kind) {
        findings.push(drive(host));
    }
    findings.extend(free(host));
    findings.extend(syncs(host));
    findings
}

/// A block device.
pub struct Device {
    /// Its name, such as `nvme0n1`; of a partition, the whole disk's.
    pub name: String,
    /// Where it lies below `/sys/devices`.
    pub path: String,
}

/// The disk of the data folder, where it is one.
pub fn device(host: &Host<'_>) -> Option<Device> {
    let mount = mount(host)?;
    let mut path = host.tree.resolve(&format!("/sys/dev/block/{}", mount.device))?;
    if host.tree.has(&format!("{path}/partition")) {
        path.truncate(path.rfind('/')?);
    }
    let name = path.rsplit('/').next()?.to_owned();
    Some(Device { name, path })
}

/// What a folder lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// Major and minor number.
    device: String,
    point: String,
    kind: String,
    options: String,
}

fn mount(host: &Host<'_>) -> Option<Mount> {
    let dir = host.data_dir.as_ref()?.to_str()?;
    mounted_at(&host.tree.text("/proc/self/mountinfo")?, dir)
}

/// The mount that `dir` lies on: the one with the longest point that leads there, the last of equal ones.
fn mounted_at(mountinfo: &str, dir: &str) -> Option<Mount> {
    let leads = |point: &str| {
        let rest = dir.strip_prefix(point.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mounts = mountinfo.lines().filter_map(|line| {
        // 36 35 98:0 /root /point options… - kind source options
        let (before, after) = line.split_once(" - ")?;
        let before: Vec<&str> = before.split(' ').collect();
        let mut after = after.split(' ');
        let kind = after.next()?.to_owned();
        let options = format!("{},{}", before.get(5)?, after.nth(1).unwrap_or_default());
        Some(Mount {
            device: (*before.get(2)?).to_owned(),
            point: before.get(4)?.replace("\\040", " "),
            kind,
            options,
        })
    });
    mounts
        .filter(|mount| leads(&mount.point))
        .max_by_key(|mount| mount.point.len())
}

fn is_memory(kind: &str) -> bool {
    ["tmpfs", "ramfs", "devtmpfs", "hugetlbfs"].contains(&kind)
}

fn file_system(host: &Host<'_>, mount: &Mount) -> Finding {
    const CHECK: &str = "file system";
    let found = format!("{} at {}", mount.kind, mount.point);
    let promises = host.config.durability != Durability::Memory;
    let unsafe_option = mount
        .options
        .split(',')
        .find(|option| ["nobarrier", "barrier=0"].contains(option));
    if is_memory(&mount.kind) && promises {
        return Finding::broken(
            CHECK,
            format!("{found}, which is memory"),
            "nothing in it survives the machine, though orders are acknowledged as if it did",
            "a data_dir on a disk",
        );
    }
    if let Some(option) = unsafe_option.filter(|_| promises) {
        return Finding::broken(
            CHECK,
            format!("{found}, mounted with {option}"),
            "the drive's own memory is not written out by a sync, and a power cut loses what was acknowledged",
            format!("mount it without {option}"),
        );
    }
    if mount.options.split(',').any(|option| option == "ro") && promises {
        return Finding::broken(
            CHECK,
            format!("{found}, for reading only"),
            "the exchange will not start",
            "mount it for writing",
        );
    }
    match mount.kind.as_str() {
        "ext4" | "xfs" | "ext3" | "f2fs" => Finding::fine(CHECK, found),
        "btrfs" | "zfs" | "bcachefs" => Finding::costs(
            CHECK,
            found,
            "it writes each block to a new place, and for each sync the way there as well",
            "a data_dir on ext4 or XFS",
        ),
        "overlay" | "aufs" => Finding::costs(
            CHECK,
            format!("{found}, a container's own layer"),
            "it goes away with the container, and each call takes a detour",
            "a volume of the host as data_dir",
        ),
        _ => Finding::unknown(
            CHECK,
            found,
            "what a sync means there is its maker's word",
            "a data_dir on ext4 or XFS, of a disk of this machine",
        ),
    }
}

fn drive(host: &Host<'_>) -> Finding {
    const CHECK: &str = "disk";
    let Some(device) = device(host) else {
        return Finding::unknown(
            CHECK,
            "the file system does not lie on one disk of this machine",
            "",
            "",
        );
    };
    let at = |name: &str| format!("{}/queue/{name}", device.path);
    let cache = host
        .tree
        .text(&at("write_cache"))
        .unwrap_or_else(|| "not shown".to_owned());
    let scheduler = host
        .tree
        .chosen(&at("scheduler"))
        .unwrap_or_else(|| "none".to_owned());
    let found = format!("{}, write cache: {cache}, scheduler: {scheduler}", device.name);
    if host.tree.number(&at("rotational")) == Some(1) && !host.is_virtual() {
        return Finding::costs(
            CHECK,
            format!("{found}, with spinning platters"),
            "each sync waits for the platter: milliseconds",
            "an SSD with a cache that survives a power cut",
        );
    }
    if !["none", "mq-deadline", "noop"].contains(&scheduler.as_str()) {
        return Finding::costs(
            CHECK,
            found,
            "the scheduler holds writes back to order them",
            format!("echo none > /sys/block/{}/queue/scheduler", device.name),
        );
    }
    Finding::fine(CHECK, found)
}

fn free(host: &Host<'_>) -> Option<Finding> {
    const CHECK: &str = "free space";
    let free = host.measured.free_bytes? >> 20;
    let segment = host.config.journal.segment_mib;
    let found = format!("{free} MiB, a journal file takes {segment}");
    Some(if free < segment * 2 {
        Finding::broken(
            CHECK,
            found,
            "orders are soon refused (journal_full)",
            "hoga journal archive DIR --to FOLDER moves what snapshots cover; or a larger disk",
        )
    } else {
        Finding::fine(CHECK, found)
    })
}

fn syncs(host: &Host<'_>) -> Option<Finding> {
    const CHECK: &str = "sync";
    let times = match host.measured.syncs.as_ref()? {
        Ok(times) => times,
        Err(why) => {
            return Some(Finding::unknown(
                CHECK,
                format!("could not be tried: {why}"),
                "",
                "run this as the user of the exchange",
            ));
        }
    };
    let middle = times.get(times.len() / 2)?;
    let longest = times.last()?;
    let micros = |time: &Duration| time.as_secs_f64() * 1e6;
    let found = format!(
        "512 bytes and fdatasync, {} times: half took {:.0} µs or less, the longest {:.0} µs",
        times.len(),
        micros(middle),
        micros(longest)
    );
    Some(if *middle < Duration::from_micros(5) {
        Finding::unknown(
            CHECK,
            found,
            "no disk answers so fast: something before it says that it is written",
            "make sure that what answers survives a power cut",
        )
    } else if *middle < Duration::from_millis(1) {
        Finding::fine(CHECK, found)
    } else {
        Finding::costs(
            CHECK,
            found,
            "an order is acknowledged after one of these",
            "an SSD of this machine, with a cache that survives a power cut",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_not_taken_to_lie_on_a_mount_whose_name_it_only_begins_with() {
        let info = "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
                    30 22 0:40 / /var/lib rw - tmpfs tmpfs rw,size=4k\n\
                    31 22 259:1 / /var/lib/hoga rw,noatime - xfs /dev/nvme0n1p1 rw,nobarrier\n\
                    32 22 259:2 / /var/lib/my\\040data rw - ext4 /dev/sdb rw\n\
                    33 22 259:3 / /twice rw - ext4 /dev/a rw\n34 22 259:4 / /twice rw - xfs /dev/b rw\n\
                    broken line\n35 - ext4\n";
        let cases = [
            ("/var/lib/hoga", "259:1"),
            ("/var/lib/hoga/journal", "259:1"),
            ("/var/lib/hogan", "0:40"),
            ("/var/libs", "253:0"),
            ("/", "253:0"),
            ("/var/lib/my data/x", "259:2"),
            ("/twice/x", "259:4"),
        ];
        for (dir, want) in cases {
            assert_eq!(
                mounted_at(info, dir).map(|mount| mount.device).as_deref(),
                Some(want),
                "{dir}"
            );
        }
        assert_eq!(mounted_at("", "/var"), None);
        assert!(
            mounted_at(info, "/var/lib/hoga")
                .unwrap()
                .options
                .contains("nobarrier")
        );
    }
}
