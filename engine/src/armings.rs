//! The armings in force, by the sequence that names each, and how many every account has.

use alloc::collections::BTreeMap;

use hoga_protocol::{AccountId, Arm, ArmCause, Armed, Disarm, RejectReason, Sequence};

/// At most [`Arm::MAX_TOTAL`] of them. Trees, which are walked in order and grow only where something is armed.
#[derive(Clone)]
pub(crate) struct Armings {
    by_id: BTreeMap<Sequence, Armed>,
    of_account: BTreeMap<AccountId, Own>,
}

/// What an account that is armed has.
#[derive(Clone, Copy, Default)]
struct Own {
    count: u32,
    deadline: Option<Sequence>,
}

impl Armings {
    pub(crate) const fn new() -> Self {
        Self {
            by_id: BTreeMap::new(),
            of_account: BTreeMap::new(),
        }
    }

    /// Adds an arming, whose name is greater than any before. Returns the deadline whose place it takes.
    pub(crate) fn arm(&mut self, armed: &Armed) -> Result<Option<Disarm>, RejectReason> {
        let mut own = self.of_account.get(&armed.account).copied().unwrap_or_default();
        let is_deadline = matches!(armed.cause, ArmCause::Deadline(_));
        let replaced = own.deadline.filter(|_| is_deadline);
        let is_full = own.count >= Arm::MAX_PER_ACCOUNT || self.by_id.len() >= Arm::MAX_TOTAL as usize;
        match replaced {
            None if is_full => return Err(RejectReason::TooManyArmings),
            None => own.count += 1,
            Some(before) => drop(self.by_id.remove(&before)),
        }
        if is_deadline {
            own.deadline = Some(armed.arming);
        }
        self.of_account.insert(armed.account, own);
        self.by_id.insert(armed.arming, *armed);
        Ok(replaced.map(|arming| Disarm {
            account: armed.account,
            arming,
        }))
    }

    /// Ends an arming of this account.
    pub(crate) fn disarm(&mut self, disarm: &Disarm) -> Result<(), RejectReason> {
        let found = self.by_id.get(&disarm.arming);
        if found.is_none_or(|armed| armed.account != disarm.account) {
            return Err(RejectReason::UnknownArming);
        }
        self.by_id.remove(&disarm.arming);
        if let Some(own) = self.of_account.get_mut(&disarm.account) {
            own.count -= 1;
            own.deadline = own.deadline.filter(|&deadline| deadline != disarm.arming);
            if own.count == 0 {
                self.of_account.remove(&disarm.account);
            }
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Armed> {
        self.by_id.values()
    }
}
