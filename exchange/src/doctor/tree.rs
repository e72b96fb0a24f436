//! Reading the small files in which a Linux system tells about itself.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The largest file that is read whole, in bytes: `/proc/interrupts` of a machine with hundreds of cores.
const MOST: u64 = 16 << 20;

/// The most cores that a list may name.
const MOST_CORES: usize = 1 << 16;

/// A file system below some root.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Reads below `root`.
    pub fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
        }
    }

    /// What a file holds, without the white space around it; none where it cannot be read.
    pub fn text(&self, path: &str) -> Option<String> {
        use std::io::Read;
        let mut text = Vec::new();
        let file = fs::File::open(self.path(path)).ok()?;
        file.take(MOST).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// The number that a file holds.
    pub fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// The list of cores that a file holds.
    pub fn cores(&self, path: &str) -> Option<CoreSet> {
        CoreSet::parse(&self.text(path)?)
    }

    /// The word in brackets in a file that shows a choice: `always [madvise] never`.
    pub fn chosen(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let (_, rest) = text.split_once('[')?;
        Some(rest.split_once(']')?.0.to_owned())
    }

    /// The line `key: value` or `key value` of a file, in which spaces around both mean nothing.
    pub fn field(&self, path: &str, key: &str) -> Option<String> {
        field(&self.text(path)?, key)
    }

    /// The names in a folder, in order; none at all where it cannot be read.
    pub fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Whether there is such a file or folder.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Where a path leads when every link in it is followed, as a path below the root.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut at = PathBuf::from("/");
        let mut rest: Vec<PathBuf> = vec![PathBuf::from(path)];
        // As many links as the kernel itself follows.
        let mut links = 40;
        while let Some(step) = rest.pop() {
            let mut components = step.components();
            let Some(component) = components.next() else {
                continue;
            };
            rest.push(components.as_path().to_owned());
            match component {
                Component::RootDir => at = PathBuf::from("/"),
                Component::ParentDir => {
                    at.pop();
                }
                Component::Normal(name) => {
                    at.push(name);
                    if let Ok(target) = fs::read_link(self.path(at.to_str()?)) {
                        links = u32::checked_sub(links, 1)?;
                        at.pop();
                        rest.push(target);
                    }
                }
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
        let found = at.to_str()?.to_owned();
        self.has(&found).then_some(found)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The cores of the control group, where one restricts them.
    pub fn cpuset(&self) -> Option<CoreSet> {
        let found = self.groups("self").into_iter().find_map(|group| {
            let of_two = format!("/sys/fs/cgroup{group}/cpuset.cpus.effective");
            let of_one = format!("/sys/fs/cgroup/cpuset{group}/cpuset.effective_cpus");
            self.cores(&of_two).or_else(|| self.cores(&of_one))
        });
        found.filter(|cores| !cores.is_empty())
    }

    /// The control groups of a process, its own first, then those around it.
    pub fn groups(&self, pid: &str) -> Vec<String> {
        let mut all = Vec::new();
        for line in self
            .text(&format!("/proc/{pid}/cgroup"))
            .unwrap_or_default()
            .lines()
        {
            let Some(path) = line.splitn(3, ':').nth(2) else {
                continue;
            };
            let mut path = path.trim_end_matches('/');
            loop {
                if !path.contains("..") && !all.iter().any(|known| known == path) {
                    all.push(path.to_owned());
                }
                match path.rsplit_once('/') {
                    Some((around, _)) => path = around,
                    None => break,
                }
            }
        }
        all
    }
}

/// The value of the line of `text` that begins with `key`.
pub fn field(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(key)?;
        let value = rest.trim_start_matches([':', '\t', ' ']);
        (rest.len() > value.len()).then(|| value.trim().to_owned())
    })
}

/// The number that begins the value of a line such as `VmLck:  812 kB`.
pub fn number_of(text: &str, key: &str) -> Option<u64> {
    field(text, key)?.split_whitespace().next()?.parse().ok()
}

/// A set of cores, written as the kernel writes it: `0-3,8`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoreSet(BTreeSet<usize>);

impl CoreSet {
    /// Reads a list. An empty one is the empty set; none where it is no list, or names more cores than there can be.
    pub fn parse(text: &str) -> Option<CoreSet> {
        let mut cores = BTreeSet::new();
        for part in text.trim().split(',').filter(|part| !part.trim().is_empty()) {
            let part = part.trim();
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            if from > to || to >= MOST_CORES {
                return None;
            }
            cores.extend(from..=to);
        }
        Some(CoreSet(cores))
    }

    /// Whether the core is in it.
    pub fn contains(&self, core: usize) -> bool {
        self.0.contains(&core)
    }

    /// The cores, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The only core, if there is one only.
    pub fn only(&self) -> Option<usize> {
        self.0.first().copied().filter(|_| self.0.len() == 1)
    }

    /// Those that are in both.
    pub fn and(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.intersection(&other.0).copied().collect())
    }

    /// Those that are not in the other.
    pub fn without(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.difference(&other.0).copied().collect())
    }

    /// Those that are in either.
    pub fn or(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.union(&other.0).copied().collect())
    }
}

impl FromIterator<usize> for CoreSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cores: I) -> Self {
        CoreSet(cores.into_iter().collect())
    }
}

impl fmt::Display for CoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let mut cores = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = cores.next() {
            let mut last = first;
            while cores.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_is_read_as_the_kernel_writes_it_and_nothing_else_is_taken_for_one() {
        let cases: [(&str, Option<&str>); 15] = [
            ("0", Some("0")),
            ("0-3", Some("0-3")),
            ("0-3,8,10-11\n", Some("0-3,8,10-11")),
            ("3,2,1", Some("1-3")),
            (" 1 , 2 ", Some("1-2")),
            ("", Some("none")),
            (",", Some("none")),
            ("0-0", Some("0")),
            ("3-1", None),
            ("a", None),
            ("1-", None),
            ("-1", None),
            ("0-4294967295", None),
            ("99999999999999999999999", None),
            ("0x3", None),
        ];
        for (text, want) in cases {
            let got = CoreSet::parse(text).map(|cores| cores.to_string());
            assert_eq!(got.as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn a_field_is_not_taken_from_a_line_that_only_begins_alike() {
        let status = "Name:\thoga\nVmLck:\t     812 kB\nVmLckX: 1\nThreads:\t7\nSwapTotal:     0 kB\nusage_usec 5\nEmpty:\n";
        assert_eq!(number_of(status, "VmLck"), Some(812));
        assert_eq!(number_of(status, "Threads"), Some(7));
        assert_eq!(number_of(status, "usage_usec"), Some(5));
        assert_eq!(number_of(status, "usage"), None);
        assert_eq!(number_of(status, "Name"), None);
        assert_eq!(field(status, "Empty"), Some(String::new()));
        assert_eq!(field(status, "Nothing"), None);
    }

    #[test]
    fn a_link_is_not_followed_out_of_the_tree_or_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let link =
            |target: &str, name: &str| std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
        fs::create_dir_all(dir.path().join("sys/devices/pci/virtio1/block/vda")).unwrap();
        fs::create_dir_all(dir.path().join("sys/block")).unwrap();
        link("../devices/pci/virtio1/block/vda", "sys/block/vda");
        link("/sys/block/vda", "absolute");
        link("round", "around");
        link("around", "round");
        link("../../../../../etc/passwd", "out");
        let tree = Tree::new(dir.path());
        let vda = Some("/sys/devices/pci/virtio1/block/vda".to_owned());
        assert_eq!(tree.resolve("/sys/block/vda"), vda);
        assert_eq!(tree.resolve("/absolute"), vda);
        assert_eq!(
            tree.resolve("/sys/block/vda/.."),
            Some("/sys/devices/pci/virtio1/block".to_owned())
        );
        for nowhere in ["/around", "/out", "/sys/nothing"] {
            assert_eq!(tree.resolve(nowhere), None, "{nowhere}");
        }
    }
}
