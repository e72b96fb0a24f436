//! What a key may be used for.

use std::fmt;
use std::str::FromStr;

/// One of the things that a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To see the account's own orders and executions.
    Read,
    /// To place, replace and cancel orders of the account, and to see them.
    Trade,
    /// To see the orders and executions of all accounts.
    DropCopy,
    /// To operate the exchange.
    Admin,
}

impl Permission {
    /// All there are, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Read, Self::Trade, Self::DropCopy, Self::Admin];

    /// Its name on the command line, in the key file and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trade => "trade",
            Self::DropCopy => "drop_copy",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Permission {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|permission| permission.name() == text);
        found.ok_or("must be one of read, trade, drop_copy and admin")
    }
}

/// Some permissions; none of them includes another.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Whether `permission` is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u8 != 0
    }

    /// With `permission` among them.
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u8)
    }

    /// Those there are, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Permission::name).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_does_not_bring_another() {
        for one in Permission::ALL {
            let only = Permissions::NONE.with(one);
            assert_eq!(only.iter().collect::<Vec<_>>(), [one]);
            assert_eq!(one.name().parse(), Ok(one));
            for other in Permission::ALL {
                assert_eq!(only.has(other), one == other);
            }
        }
        let all: Permissions = Permission::ALL.into_iter().collect();
        assert_eq!(all.to_string(), "read,trade,drop_copy,admin");
        assert!("Read".parse::<Permission>().is_err());
    }
}
