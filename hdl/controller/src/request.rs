//! Stage `request`: accepts a request or an update's token, one of them a cycle.
//!
//! ```text
//!  req_* ──valid──▶┌──────────────┐      ┌──────────┐
//!        ◀─ready───│ a credit and │─────▶│ register │──▶ flow, net_id, asked
//!  commit_wanted ─▶│ no token     │      └──────────┘
//!  commit_granted◀─└──────────────┘◀── credit_return (a place of expand's queue is free again)
//! ```
//!
//! Between here and `expand` nothing can stop, so a traveller enters only when the queue before `expand` has a
//! place for it: that is a credit. A token that waits goes first, which costs one request slot.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use crate::bundles::{Asked, Flow};
use crate::credits::Credits;
use crate::expand;
use crate::widths::Widths;

/// Latency of the stage: the stage register.
pub const CYCLES: u32 = 1;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("request"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_request",
        "Stage request: accepts a request or an update's token, one of them a cycle.",
    );

    m.section("Ports");
    let initialised = m.input("init_done", 1).doc("every stored entry has been cleared");
    let req_valid = m.input("req_valid", 1);
    let net_id = m.input("req_net_id", w.config.net_id_bits);
    let asked = Asked::inputs(&m, "req", &w.asked());
    let commit_wanted = m.input("commit_wanted", 1).doc("a checked update waits to enter");
    let credit_return = m.input("credit_return", 1).doc("a place of expand's queue became free");

    // Both come from registers of `update`.
    m.combinational_path("init_done", "req_ready");
    m.combinational_path("commit_wanted", "req_ready");
    m.combinational_path("commit_wanted", "commit_granted");

    m.section("Credits: places of expand's queue that no traveller is on its way to");
    let credits = Credits::of(&m, expand::QUEUE_DEPTH, credit_return);
    let has_credit = m.register("has_credit", 1).reset_to(1u32);
    wire!(ready = has_credit.value() & initialised & !commit_wanted);
    wire!(accept_request = ready & req_valid);
    wire!(accept_token = has_credit.value() & commit_wanted);
    wire!(enters = accept_request | accept_token);
    has_credit.next(credits.enough);
    credits.next(enters);

    m.section("Stage register");
    let flow = Flow { request: accept_request, token: accept_token };
    flow.delay_reset(&m, "request1").outputs(&m, "out");
    m.output("out_net_id", m.delay("request1_net_id", net_id));
    asked.delay(&m, "request1").outputs(&m, "out");

    m.output("req_ready", ready);
    m.output("commit_granted", accept_token);
    m.port_doc("commit_granted", "the update's token enters in this cycle");
    m.finish()
}
