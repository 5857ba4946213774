//! What travels through the pipeline: requests, cut into spans, and the tokens of updates.

use std::collections::VecDeque;

use stagecoach_spec::{Beat, Request};

use crate::decision::Verdict;

/// A span of at most 4 KiB, or the one without bytes of a request that has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// What is answered; none behind the span that ends its request: it is cut all the same, and then dropped.
    pub(super) beat: Option<Beat>,
    /// It looks for a page, and takes a flight credit along.
    pub(super) has_bytes: bool,
}

impl Span {
    /// It took a flight credit, and memory will never hear of it.
    pub(super) fn is_unused(&self) -> bool {
        self.has_bytes && self.beat.is_none_or(|beat| beat.span == 0)
    }
}

/// A request with the spans that are still to be cut, or a token.
#[derive(Clone, Debug)]
pub(super) enum Traveller {
    Request(VecDeque<Span>),
    Token,
}

/// What leaves `expand` in a cycle.
#[derive(Clone, Copy, Debug)]
pub(super) enum Issued {
    Span(Span),
    Token,
}

impl Traveller {
    /// A request, with what it is answered.
    pub(super) fn request(request: &Request, verdict: &Verdict, beats: Vec<Beat>) -> Traveller {
        let has_bytes = matches!(verdict, Verdict::InRegion { .. }) && request.length > 0;
        let cut = spans(request, verdict).max(beats.len());
        let mut beats = beats.into_iter();
        Traveller::Request((0..cut).map(|_| Span { beat: beats.next(), has_bytes }).collect())
    }
}

/// Spans that a request is cut into, before anybody knows which pages are present.
fn spans(request: &Request, verdict: &Verdict) -> usize {
    let Verdict::InRegion { region, .. } = verdict else { return 1 };
    let position = request.va.wrapping_sub(region.base).wrapping_add(region.first_offset.into());
    let from_border = position % 4096 + u64::from(request.length);
    from_border.div_ceil(4096).max(1) as usize
}
