//! `scripts/tune-host.sh` on machines of text: what it changes, it can put back.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::hosts;

/// A machine whose files take any value, which those of a kernel do not: a choice is one word here.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new(host: &str, more: &str) -> Machine {
        let dir = tempfile::tempdir().unwrap();
        hosts::lay_out(host, dir.path());
        let plain = "sys/kernel/mm/transparent_hugepage/enabled = always\nproc/sys/vm/swappiness = 60\n";
        hosts::lay_over(plain, dir.path());
        hosts::lay_over(more, dir.path());
        fs::create_dir_all(dir.path().join("etc/security/limits.d")).unwrap();
        Machine { dir }
    }

    /// Runs the script: whether it said that all is well, and all that it said.
    fn tune(&self, arguments: &[&str]) -> (bool, String) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/tune-host.sh");
        let output = Command::new("bash")
            .arg(script)
            .args(arguments)
            .env("HOGA_TUNE_ROOT", self.dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    }

    fn read(&self, path: &str) -> String {
        let text =
            fs::read_to_string(self.dir.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        text.trim().to_owned()
    }

    /// Every file and what it holds, save what was kept from before.
    fn all(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        collect(self.dir.path(), &mut all);
        all.retain(|path, _| !path.starts_with(self.dir.path().join("var/lib/hoga-tune")));
        all
    }
}

fn collect(dir: &Path, all: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, all);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            all.insert(path, text.trim_end().to_owned());
        }
    }
}

/// A desktop's machine whose data folder lies on a disk of one queue.
const DISK: &str = "\
proc/self/mountinfo = 22 1 253:0 / / rw,relatime - ext4 /dev/vda rw
proc/interrupts {
           CPU0       CPU1
 36:          0          9  PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
 60:        123        456  PCI-MSI-0000:03:00.0    0-edge      iwlwifi
}
proc/irq/36/smp_affinity_list = 0-7
proc/irq/36/effective_affinity_list = 5
sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda/size = 1
sys/dev/block/253:0 -> ../../devices/pci0000:00/0000:00:02.0/virtio1/block/vda
sys/devices/system/cpu/cpu{1-7}/online = 1
sys/devices/system/cpu/cpu{0-7}/cpuidle/state3/disable = 0
";

const TUNE: [&str; 4] = ["--cores", "2,4,6", "--data-dir", "/srv/hoga"];

#[test]
fn what_was_tuned_twice_is_put_back_to_what_it_was_before_the_first_time() {
    let machine = Machine::new("laptop", DISK);
    let before = machine.all();
    let with = |mode: &'static str| [&[mode], TUNE.as_slice()].concat();

    let (ok, said) = machine.tune(&with("--dry-run"));
    assert!(
        ok && said.contains("would write performance to /sys/devices/system/cpu/cpu4/"),
        "{said}"
    );
    assert_eq!(machine.all(), before, "a dry run changes nothing");

    let (ok, first) = machine.tune(&TUNE);
    assert!(ok, "{first}");
    let cpu = "sys/devices/system/cpu";
    let wanted = [
        (format!("{cpu}/cpu4/cpufreq/scaling_governor"), "performance"),
        (format!("{cpu}/cpu5/cpufreq/scaling_governor"), "powersave"),
        (format!("{cpu}/cpu6/cpuidle/state3/disable"), "1"),
        (format!("{cpu}/cpu1/cpuidle/state3/disable"), "0"),
        (format!("{cpu}/cpu3/online"), "0"),
        (format!("{cpu}/cpu1/online"), "1"),
        ("proc/irq/60/smp_affinity_list".into(), "0-1,3,5,7"),
        ("proc/irq/36/smp_affinity_list".into(), "2"),
        ("sys/kernel/mm/transparent_hugepage/enabled".into(), "madvise"),
        ("proc/sys/vm/swappiness".into(), "1"),
    ];
    for (path, value) in &wanted {
        assert_eq!(machine.read(path), *value, "{path}");
    }
    let limits = machine.read("etc/security/limits.d/90-hoga.conf");
    assert!(limits.contains("hoga - memlock unlimited"), "{limits}");
    assert!(
        first.contains("isolcpus=2,4,6 nohz_full=2,4,6 rcu_nocbs=2,4,6"),
        "{first}"
    );
    assert!(
        first.contains("interrupts core 5; the journaler's, 2, is best"),
        "{first}"
    );

    let kept = machine.read("var/lib/hoga-tune/state");
    let (ok, again) = machine.tune(&TUNE);
    assert!(ok && again.contains("\n0 changed"), "{again}");
    // Tuned anew after somebody else changed a value: the first one stays the one that is put back.
    hosts::lay_over("proc/sys/vm/swappiness = 33\n", machine.dir.path());
    let (ok, third) = machine.tune(&TUNE);
    assert!(ok && third.contains("33 -> 1"), "{third}");
    assert_eq!(machine.read("var/lib/hoga-tune/state"), kept);
    let (ok, status) = machine.tune(&with("--status"));
    assert!(
        ok && !status.contains("differs") && status.contains("are kept in /var/lib/hoga-tune/state"),
        "{status}"
    );

    for _ in 0..2 {
        let (ok, said) = machine.tune(&["--undo"]);
        assert!(ok, "{said}");
        assert_eq!(machine.all(), before, "{said}");
    }
    assert!(machine.tune(&["--undo"]).1.contains("nothing to undo"));
    assert!(!machine.dir.path().join("var/lib/hoga-tune").exists());
}

#[test]
fn a_value_that_cannot_be_written_does_not_keep_the_rest_from_it_or_stay_in_the_way_of_an_undo() {
    let stubborn = "sys/devices/system/cpu/cpu2/cpufreq/odd -> /proc/sys/kernel/ostype\n";
    let machine = Machine::new("laptop", &format!("{DISK}{stubborn}"));
    let governor = machine
        .dir
        .path()
        .join("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor");
    fs::rename(governor.with_file_name("odd"), &governor).unwrap();
    let before = machine.all();
    let (ok, said) = machine.tune(&TUNE);
    assert!(
        !ok && said.contains("cpu2/cpufreq/scaling_governor: stays Linux"),
        "{said}"
    );
    assert!(said.contains("1 cannot be changed"), "{said}");
    assert_eq!(
        machine.read("sys/devices/system/cpu/cpu4/cpufreq/scaling_governor"),
        "performance"
    );
    let (ok, said) = machine.tune(&["--undo"]);
    assert!(ok, "{said}");
    assert_eq!(machine.all(), before);
}

#[test]
fn limits_that_somebody_else_wrote_are_put_back_byte_for_byte() {
    let own = "etc/security/limits.d/90-hoga.conf {\n# mine\n\thoga\tsoft\tnofile\t99\n}\n";
    let machine = Machine::new("laptop", &format!("{DISK}{own}"));
    let before = machine.all();
    assert!(machine.tune(&["--user", "exchange"]).0);
    assert!(
        machine
            .read("etc/security/limits.d/90-hoga.conf")
            .contains("exchange - nofile")
    );
    assert!(machine.tune(&["--undo"]).0);
    assert_eq!(machine.all(), before);
}

#[test]
fn a_tuned_machine_is_left_alone_and_one_that_cannot_be_tuned_is_told_so() {
    let machine = Machine::new(
        "bare-metal-tuned",
        "sys/kernel/mm/transparent_hugepage/enabled = never\nproc/sys/vm/swappiness = 1\n",
    );
    let before = machine.all();
    let (ok, said) = machine.tune(&["--status", "--cores", "1-3", "--data-dir", "/var/lib/hoga"]);
    let odd: Vec<&str> = said.lines().filter(|line| line.starts_with("differs")).collect();
    assert!(ok, "{said}");
    assert_eq!(odd, ["differs     /etc/security/limits.d/90-hoga.conf"], "{said}");
    assert_eq!(machine.all(), before);
    let (_, said) = machine.tune(&["--dry-run", "--cores", "1-3", "--data-dir", "/var/lib/hoga"]);
    assert!(!said.contains("isolcpus="), "it is isolated: {said}");

    let bare = Machine::new("virtual-machine", "");
    for path in ["proc", "sys/kernel", "etc"] {
        fs::remove_dir_all(bare.dir.path().join(path)).unwrap();
    }
    let (ok, said) = bare.tune(&[]);
    for words in [
        "governor: there is none",
        "idle states: there are none",
        "nothing here can be tuned",
    ] {
        assert!(ok && said.contains(words), "{said:?} lacks {words:?}");
    }
    let refused = [
        &["--cores", "0-"][..],
        &["--cores", "99"],
        &["--what"],
        &["--cores"],
        &["--user", "a b"],
    ];
    for arguments in refused {
        let (ok, said) = bare.tune(arguments);
        assert!(!ok, "{arguments:?}: {said}");
    }
}
