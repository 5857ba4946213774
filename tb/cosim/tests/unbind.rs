//! Requests on both sides of an `unbind`: each is answered by the table that its identifier named in its own turn, also
//! the one directly before the token.

mod support;

use stagecoach_cosim::Stalls;
use stagecoach_spec::{Beat, Config, Fault, Op, Protection, Request, Update};
use support::{access, finish, loaded, second_net_id, settle, taken};

#[test]
fn requests_directly_before_an_unbind_keep_their_table() {
    for protection in [Protection::None, Protection::Parity, Protection::Secded] {
        let mut bench = loaded(&Config { protection, ..support::config() }, Stalls::NONE);
        for table in [2, 1] {
            let net_id = second_net_id(table);
            let request = Request { net_id, ..access(table, Op::RemoteRead, 0) };
            let since = bench.trace().len();
            bench.tell(&Update::Unbind { table, net_id });
            // A request a cycle, so that one stands directly before the token.
            while bench.driver().open_commands() > 0 {
                bench.ask(&request).unwrap();
                bench.step().unwrap_or_else(|failure| panic!("{protection:?}: {failure}"));
            }
            settle(&mut bench);
            let beats = taken(&bench, since);
            let (named, unnamed): (Vec<Beat>, Vec<Beat>) =
                beats.iter().copied().partition(|beat| beat.fault == Fault::Granted && beat.table == table);
            assert!(named.len() > 20 && !unnamed.is_empty(), "{protection:?}: {beats:x?}");
            assert!(unnamed.iter().all(|beat| beat.fault == Fault::UnknownNetwork), "{unnamed:x?}");
        }
        finish(bench);
    }
}
