//! A destination that still has an older attempt, and never heard of the newer's BEGIN, must not let the source wait for ever.

use stagecoach_protocol::{
    Address, Arbitration, CardOperation, Effect, Epoch, Input, Machine, Message, Phase, Record,
};

fn hears(machine: &mut Machine, message: Message<()>) -> Vec<Effect<()>> {
    machine.on(Input::Message(message)).expect("no message is refused")
}

fn destination(arbitration: Arbitration) -> Machine {
    let (mut machine, _) = Machine::restart::<()>(arbitration, &[]);
    hears(&mut machine, Message::Begin(Epoch(2)));
    assert_eq!(machine.phase(), Phase::Staging { attempt: Epoch(2) });
    machine
}

fn refusal() -> [Effect<()>; 2] {
    [Effect::Card(CardOperation::Clear), Effect::Send(Address::Peer, Message::Refused(Epoch(3)))]
}

#[test]
fn a_final_of_a_newer_attempt_is_refused_and_the_older_goes() {
    for arbitration in [Arbitration::OwnJournal, Arbitration::Node] {
        let mut staging = destination(arbitration);
        assert_eq!(hears(&mut staging, Message::Final(Epoch(3), ())), refusal());
        assert_eq!(staging.phase(), Phase::Absent);

        let mut prepared = destination(arbitration);
        hears(&mut prepared, Message::Final(Epoch(2), ()));
        let effects = hears(&mut prepared, Message::Final(Epoch(3), ()));
        assert_eq!(effects[0], Effect::Journal(Record::Cleared(Epoch(2))));
        assert_eq!(effects[1..], refusal());
        assert_eq!(prepared.phase(), Phase::Absent);
    }
}
