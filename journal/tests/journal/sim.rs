//! A disk in memory that records every call, fails on demand, and can lose power.
//!
//! It models what Linux promises and no more: a write is in the page cache, a sync makes it durable, a failed
//! sync leaves pages that look clean and were never written, a name is durable after a folder sync, and power
//! loss keeps any subset of the unsynced 512-byte blocks.

use hoga_journal::{Access, LockError, LockGuard, SegmentFile, Storage};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

const BLOCK: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Lock,
    List,
    Create,
    Open,
    Rename,
    Remove,
    SyncDir,
    Allocate,
    Write,
    Sync,
    Forget,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub op: Op,
    pub name: String,
    pub offset: u64,
    pub length: usize,
    /// Whether the thread that makes spare segments called.
    pub by_maker: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The call fails with this error; a write has put half its blocks, a sync has lost what it had to save. No block is
    /// written in part: Linux ends a write early between two pages only.
    Error(i32),
    /// The write takes this many bytes only, rounded down to whole blocks.
    Short(usize),
    /// The sync is told done, and what it had to save is lost.
    Lost,
    /// The power fails in this call: it and every later call do nothing.
    PowerCut,
}

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;

type ReadHook = Box<dyn FnMut() + Send>;
type Rule = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

#[derive(Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    inodes: Vec<Inode>,
    calls: Vec<Call>,
    rule: Option<Rule>,
    read_hook: Option<ReadHook>,
    dead: bool,
    locked: bool,
    maker_held: bool,
}

#[derive(Clone, Default)]
pub struct Sim {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Sim {
    pub fn new() -> Sim {
        Sim::default()
    }

    /// A disk that holds `files`, all durable.
    pub fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Sim {
        let sim = Sim::new();
        for (name, bytes) in files {
            sim.put(name, bytes.clone());
        }
        sim
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.lock_state();
        state.inodes.push(Inode {
            now: bytes.clone(),
            durable: bytes,
            dirty: BTreeSet::new(),
        });
        let inode = state.inodes.len() - 1;
        state.names.insert(name.into(), inode);
        state.durable_names.insert(name.into(), inode);
    }

    /// Changes a file's bytes behind everybody's back, cache and disk alike.
    pub fn alter(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut state = self.lock_state();
        let inode = state.names[name];
        let inode = &mut state.inodes[inode];
        change(&mut inode.now);
        change(&mut inode.durable);
    }

    /// The files as a process would read them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.lock_state();
        state
            .names
            .iter()
            .map(|(name, inode)| (name.clone(), state.inodes[*inode].now.clone()))
            .collect()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.lock_state().calls.clone()
    }

    pub fn forget_calls(&self) {
        self.lock_state().calls.clear();
    }

    pub fn set_rule(&self, rule: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.lock_state().rule = Some(Box::new(rule));
    }

    pub fn clear_rule(&self) {
        self.lock_state().rule = None;
    }

    /// Has `hook` called before every read, with no lock held, so that it may write to the journal read.
    pub fn set_read_hook(&self, hook: impl FnMut() + Send + 'static) {
        self.lock_state().read_hook = Some(Box::new(hook));
    }

    /// Holds the maker of spares at its next call, or lets it go on.
    pub fn hold_maker(&self, held: bool) {
        self.lock_state().maker_held = held;
        self.state.1.notify_all();
    }

    /// The disk after a loss of power: `coin` decides for each unsynced block, and once for unsynced names.
    pub fn after_power_cut(&self, mut coin: impl FnMut() -> bool) -> Sim {
        let state = self.lock_state();
        let names = if coin() {
            &state.names
        } else {
            &state.durable_names
        };
        let mut files = BTreeMap::new();
        for (name, inode) in names {
            let inode = &state.inodes[*inode];
            let mut bytes = inode.durable.clone();
            if inode.now.len() > bytes.len() && coin() {
                bytes.resize(inode.now.len(), 0);
            }
            for block in inode.dirty.iter().filter(|_| coin()) {
                let range = block * BLOCK..((block + 1) * BLOCK).min(inode.now.len());
                if range.end <= bytes.len() {
                    bytes[range.clone()].copy_from_slice(&inode.now[range]);
                }
            }
            files.insert(name.clone(), bytes);
        }
        Sim::with_files(&files)
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }

    /// Records a call and decides its fate.
    fn call(
        &self,
        op: Op,
        name: &str,
        offset: u64,
        length: usize,
    ) -> io::Result<(MutexGuard<'_, State>, Option<Fault>)> {
        let by_maker = std::thread::current().name() == Some("journal-maker");
        let mut state = self.lock_state();
        while by_maker && state.maker_held {
            state = self.state.1.wait(state).unwrap();
        }
        let call = Call {
            op,
            name: name.into(),
            offset,
            length,
            by_maker,
        };
        let fault = if state.dead {
            Some(Fault::PowerCut)
        } else {
            state.decide(&call)
        };
        state.calls.push(call);
        match fault {
            Some(Fault::PowerCut) => {
                state.dead = true;
                Ok((state, fault))
            }
            Some(Fault::Error(code)) if !matches!(op, Op::Write | Op::Sync) => {
                Err(io::Error::from_raw_os_error(code))
            }
            _ => Ok((state, fault)),
        }
    }

    /// For the calls on names: fails, or gives the state to change.
    fn name_call(&self, op: Op, name: &str) -> io::Result<MutexGuard<'_, State>> {
        match self.call(op, name, 0, 0)? {
            (_, Some(Fault::PowerCut)) => Err(power_cut()),
            (state, _) => Ok(state),
        }
    }
}

impl State {
    fn decide(&mut self, call: &Call) -> Option<Fault> {
        self.rule.as_mut().and_then(|rule| rule(call))
    }

    fn inode(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn power_cut() -> io::Error {
    io::Error::other("the power is gone")
}

struct Unlock(Sim);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.lock_state().locked = false;
    }
}

impl Storage for Sim {
    fn location(&self) -> String {
        "sim".into()
    }

    fn lock(&self) -> Result<LockGuard, LockError> {
        let mut state = self.name_call(Op::Lock, "")?;
        if std::mem::replace(&mut state.locked, true) {
            return Err(LockError::Held { pid: Some(1) });
        }
        Ok(Box::new(Unlock(self.clone())))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.name_call(Op::List, "")?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let mut state = self.name_call(Op::Create, name)?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        state.names.insert(name.into(), inode);
        Ok(Box::new(SimFile {
            sim: self.clone(),
            inode,
        }))
    }

    fn open(&self, name: &str, _: Access) -> io::Result<Box<dyn SegmentFile>> {
        let inode = self.name_call(Op::Open, name)?.inode(name)?;
        Ok(Box::new(SimFile {
            sim: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.name_call(Op::Rename, to)?;
        let inode = state.inode(from)?;
        if state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.names.remove(from);
        state.names.insert(to.into(), inode);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.name_call(Op::Remove, name)?;
        state.inode(name)?;
        state.names.remove(name);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.name_call(Op::SyncDir, "")?;
        state.durable_names = state.names.clone();
        Ok(())
    }
}

struct SimFile {
    sim: Sim,
    inode: usize,
}

impl SimFile {
    fn name(&self) -> String {
        let state = self.sim.lock_state();
        let found = state.names.iter().find(|(_, inode)| **inode == self.inode);
        found.map_or_else(String::new, |(name, _)| name.clone())
    }
}

impl SegmentFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.sim.lock_state().inodes[self.inode].now.len() as u64)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.sim.name_call(Op::Allocate, &self.name())?;
        state.inodes[self.inode].now.resize(bytes as usize, 0);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (mut state, fault) = self.sim.call(Op::Write, &self.name(), offset, bytes.len())?;
        let taken = match fault {
            None | Some(Fault::PowerCut | Fault::Lost) => bytes.len(),
            Some(Fault::Error(_)) => bytes.len() / 2 / BLOCK * BLOCK,
            Some(Fault::Short(length)) => length.min(bytes.len().saturating_sub(1)) / BLOCK * BLOCK,
        };
        // A write that the power cut short is in the cache like any other: the cut decides what is left.
        let inode = &mut state.inodes[self.inode];
        let range = offset as usize..offset as usize + taken;
        inode.now.resize(inode.now.len().max(range.end), 0);
        inode.now[range.clone()].copy_from_slice(&bytes[..taken]);
        inode.dirty.extend(range.start / BLOCK..range.end.div_ceil(BLOCK));
        match fault {
            Some(Fault::PowerCut) => Err(power_cut()),
            Some(Fault::Error(code)) => Err(io::Error::from_raw_os_error(code)),
            _ => Ok(taken),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let hook = self.sim.lock_state().read_hook.take();
        if let Some(mut hook) = hook {
            hook();
            self.sim.lock_state().read_hook = Some(hook);
        }
        let state = self.sim.lock_state();
        let bytes = &state.inodes[self.inode].now;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        // Reads come in uneven pieces, as they may.
        let length = rest.len().min(buffer.len()).min(10_000);
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut state, fault) = self.sim.call(Op::Sync, &self.name(), 0, 0)?;
        let inode = &mut state.inodes[self.inode];
        match fault {
            Some(Fault::PowerCut) => Err(power_cut()),
            Some(Fault::Error(code)) => {
                inode.dirty.clear();
                Err(io::Error::from_raw_os_error(code))
            }
            Some(Fault::Lost) => {
                inode.dirty.clear();
                Ok(())
            }
            _ => {
                inode.durable.resize(inode.now.len(), 0);
                for block in std::mem::take(&mut inode.dirty) {
                    let range = block * BLOCK..((block + 1) * BLOCK).min(inode.now.len());
                    inode.durable[range.clone()].copy_from_slice(&inode.now[range]);
                }
                Ok(())
            }
        }
    }

    fn forget_cached(&self) -> io::Result<()> {
        let mut state = self.sim.name_call(Op::Forget, &self.name())?;
        let inode = &mut state.inodes[self.inode];
        let mut fresh = inode.durable.clone();
        fresh.resize(inode.now.len(), 0);
        for block in &inode.dirty {
            let range = block * BLOCK..((block + 1) * BLOCK).min(inode.now.len());
            fresh[range.clone()].copy_from_slice(&inode.now[range]);
        }
        inode.now = fresh;
        Ok(())
    }
}
