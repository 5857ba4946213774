//! The registration log and its epochs, by hand from the contract's sections 4 and 5.

use stagecoach_model::registration_log::RegistrationLog;
use stagecoach_spec::{NetId, Slices, Update, UpdateError};

const TABLE: u16 = 5;

fn net(number: u128) -> NetId {
    NetId::from_u128(number)
}

fn set() -> Update {
    Update::SetTable { table: TABLE, slices: Slices::default() }
}

fn bind(number: u128) -> Update {
    Update::Bind { table: TABLE, net_id: net(number) }
}

fn unbind(number: u128) -> Update {
    Update::Unbind { table: TABLE, net_id: net(number) }
}

fn freeze() -> Update {
    Update::Freeze { table: TABLE }
}

fn thaw() -> Update {
    Update::Thaw { table: TABLE }
}

/// A log in which changes are accepted if their epoch is not stale.
struct Card(RegistrationLog);

impl Card {
    fn change(&mut self, epoch: u32, change: Update) -> Result<(u32, u32), UpdateError> {
        self.0.judge(epoch, &change)?;
        let record = self.0.accepted(epoch, &change).expect("it is logged");
        assert_eq!(record.change, change);
        Ok((record.epoch, record.sequence))
    }
}

const STALE: Result<(u32, u32), UpdateError> = Err(UpdateError::StaleEpoch);

#[test]
fn sequence_numbers_are_consecutive_and_begin_with_the_table() {
    let mut card = Card(RegistrationLog::default());
    assert_eq!(card.change(3, set()), Ok((3, 0)));
    assert_eq!(card.change(9, Update::ClearSlot { table: TABLE, slot: 1 }), Ok((3, 1)));
    assert_eq!(card.change(3, bind(1)), Ok((3, 2)));
    assert_eq!(card.change(0, freeze()), Ok((3, 3)));
    let other = Update::SetTable { table: 6, slices: Slices::default() };
    assert_eq!(card.change(1, other), Ok((1, 0)), "each table has its own");
    assert_eq!(card.change(4, set()), Ok((4, 0)), "and a new one anew");
    assert_eq!(card.0.accepted(0, &Update::Harvest { table: TABLE, word: 0 }), None);
}

#[test]
fn a_bind_must_be_newer_than_all_that_the_table_has_seen() {
    let mut card = Card(RegistrationLog::default());
    card.change(7, set()).unwrap();
    assert_eq!(card.change(6, bind(1)), STALE, "prepared for 7");
    assert!(card.change(7, bind(1)).is_ok());
    assert!(card.change(7, bind(2)).is_ok(), "another address of the same VM");
    assert_eq!(card.change(8, bind(3)), STALE, "all its addresses serve in one epoch");
    card.change(0, unbind(1)).unwrap();
    card.change(0, unbind(2)).unwrap();
    assert_eq!(card.change(7, bind(1)), STALE, "it has served in 7, and moved away");
    assert_eq!(card.change(8, bind(1)), Ok((8, 5)));
}

#[test]
fn a_thaw_must_be_of_the_epoch_in_which_the_table_serves() {
    let mut card = Card(RegistrationLog::default());
    card.change(2, set()).unwrap();
    card.change(2, bind(1)).unwrap();
    card.change(2, freeze()).unwrap();
    assert_eq!(card.change(3, thaw()), STALE);
    assert_eq!(card.change(1, thaw()), STALE);
    assert!(card.change(2, thaw()).is_ok());
}
