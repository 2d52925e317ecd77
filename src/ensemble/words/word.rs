//! The names of the words, and the whitelist.

/// A four-letter word that the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Ruok,
    Srvr,
    Stat,
    Mntr,
    Conf,
    Isro,
    Cons,
    Dump,
    Envi,
    Dirs,
    Crst,
    Srst,
    Wchs,
    Wchc,
    Wchp,
}

impl Word {
    pub const ALL: [Self; 15] = [
        Self::Ruok,
        Self::Srvr,
        Self::Stat,
        Self::Mntr,
        Self::Conf,
        Self::Isro,
        Self::Cons,
        Self::Dump,
        Self::Envi,
        Self::Dirs,
        Self::Crst,
        Self::Srst,
        Self::Wchs,
        Self::Wchc,
        Self::Wchp,
    ];

    /// Returns the word with this name. Returns `None` for other bytes: they are the length of a client's
    /// first frame.
    #[must_use]
    pub fn parse(bytes: &[u8; 4]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|word| word.name().as_bytes() == bytes)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ruok => "ruok",
            Self::Srvr => "srvr",
            Self::Stat => "stat",
            Self::Mntr => "mntr",
            Self::Conf => "conf",
            Self::Isro => "isro",
            Self::Cons => "cons",
            Self::Dump => "dump",
            Self::Envi => "envi",
            Self::Dirs => "dirs",
            Self::Crst => "crst",
            Self::Srst => "srst",
            Self::Wchs => "wchs",
            Self::Wchc => "wchc",
            Self::Wchp => "wchp",
        }
    }

    /// Whether the whitelist allows the word. `srvr` is always allowed: `zkServer.sh status` depends on it,
    /// so Apache ZooKeeper adds it to every list.
    #[must_use]
    pub fn is_allowed(self, whitelist: &[String]) -> bool {
        self == Self::Srvr
            || whitelist
                .iter()
                .any(|entry| entry == "*" || entry == self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_by_its_name() {
        for word in Word::ALL {
            let bytes: &[u8; 4] = word.name().as_bytes().try_into().expect("four letters");
            assert_eq!(Word::parse(bytes), Some(word));
        }
        for other in [[0, 0, 0, 45], *b"hash", *b"RUOK"] {
            assert_eq!(Word::parse(&other), None);
        }
    }

    #[test]
    fn srvr_needs_no_entry_in_the_whitelist() {
        for list in [&[][..], &["ruok", "dump"], &[""]] {
            let list: Vec<String> = list.iter().map(|&word| word.to_owned()).collect();
            assert!(Word::Srvr.is_allowed(&list), "{list:?}");
            assert!(!Word::Mntr.is_allowed(&list), "{list:?}");
        }
        assert!(Word::Dump.is_allowed(&["*".to_owned()]));
        assert!(Word::Dump.is_allowed(&["ruok".to_owned(), "dump".to_owned()]));
    }
}
