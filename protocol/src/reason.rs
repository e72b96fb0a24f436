//! Why orders end without a fill, and why commands are refused.

/// Defines the reasons, the list of them and the way from a number to a reason at once, so that none is left out.
macro_rules! numbered {
    ($(#[$about:meta])* pub enum $Name:ident { $($(#[$what:meta])* $Reason:ident = $number:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $Name {
            $($(#[$what])* $Reason = $number,)+
        }

        impl $Name {
            /// Every reason, by number.
            pub const ALL: &[Self] = &[$(Self::$Reason),+];

            /// The reason with this number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|&reason| reason as u8 == number)
            }
        }
    };
}

numbered! {
    /// Why an order was canceled.
    pub enum CancelReason {
        /// Its owner asked for it.
        Requested = 0,
        /// Its owner canceled many.
        MassCancel = 1,
        /// Immediate or cancel, and not all of it traded.
        ImmediateOrCancel = 2,
        /// Fill or kill, and not all of it could trade.
        FillOrKill = 3,
        /// A market order that found too few to trade with.
        NoLiquidity = 4,
        /// What did not trade found no room in the book, or in its account's share of it.
        Capacity = 5,
        /// It traded with as many orders as one command may touch, and something was left of it.
        TouchLimit = 6,
        /// Fill or kill, and as many orders as one command may touch do not hold enough.
        FillOrKillTouchLimit = 7,
    }
}

numbered! {
    /// Why a command was refused.
    pub enum RejectReason {
        /// The exchange has not begun, begins twice, or the sequence is not above the one before.
        OutOfPlace = 0,
        /// No such instrument.
        UnknownInstrument = 1,
        /// No such account.
        UnknownAccount = 2,
        /// No such live order of this account.
        UnknownOrder = 3,
        /// The symbol or the account name is taken, or the number is not the next one.
        AlreadyExists = 4,
        /// The table of instruments or accounts is full.
        TableFull = 5,
        /// The books hold as many orders as they may, and this one would not trade.
        Capacity = 6,
        /// The price is missing, out of range, or given where none may be.
        InvalidPrice = 7,
        /// The quantity is below the instrument's minimum.
        QuantityTooSmall = 8,
        /// The quantity is above the instrument's maximum.
        QuantityTooLarge = 9,
        /// Price × quantity is below the instrument's minimum.
        NotionalTooSmall = 10,
        /// The terms do not go together: a resting market order, post-only with IOC.
        InvalidCombination = 11,
        /// Post-only, and it would trade.
        PostOnlyWouldTrade = 12,
        /// The client order id belongs to another body.
        ClientOrderIdReused = 13,
        /// The new quantity is at or below what is filled.
        TooLate = 14,
        /// A bound, a fee, a time or a version is one this engine cannot keep, or not above the one in force.
        InvalidSettings = 15,
        /// The instrument takes cancels only.
        InstrumentClosed = 16,
        /// The account may cancel only.
        AccountSuspended = 17,
        /// The account has as many orders in the books as it may, and this one would not trade.
        AccountLimit = 18,
        /// The account, or all accounts together, have as many armings as there may be.
        TooManyArmings = 19,
        /// The account has no such arming.
        UnknownArming = 20,
        /// The exchange's time is past the order's `valid_until`, or an id that was valid as long may have been forgotten.
        ExpiredRequest = 21,
        /// `valid_until` lies further ahead than it may, or is given without a client order id.
        InvalidValidUntil = 22,
    }
}
