//! The timeline as a page that needs nothing else.

use std::fmt::Write;

use super::scene::{Moment, Operation, Scene};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 110.0;

/// The page.
pub(super) fn page(scene: &Scene, summary: &str) -> String {
    let operations = scene.operations.len().max(1);
    let x = |operation: usize| LEFT + (WIDTH - LEFT - 10.0) * operation as f64 / operations as f64;
    let mut svg = String::new();
    for (row, machine) in ["source", "destination"].into_iter().enumerate() {
        let y = 20 + 50 * row;
        let _ = write!(svg, "<text x=\"4\" y=\"{}\">{machine}</text>", y + 20);
        let phases: Vec<_> = scene
            .moments
            .iter()
            .filter_map(|(at, moment)| match moment {
                Moment::Phase(number, name) if *number == row => Some((*at, *name)),
                _ => None,
            })
            .collect();
        for (number, (from, name)) in phases.iter().enumerate() {
            let to = phases.get(number + 1).map_or(operations, |(at, _)| *at);
            let (left, width) = (x(*from), x(to) - x(*from));
            let class = name.replace(' ', "-");
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"30\"><title>{machine}: {name}, operations {from} to {to}</title></rect>"
            );
            if width > 60.0 {
                let _ = write!(svg, "<text x=\"{:.1}\" y=\"{}\">{name}</text>", left + 4.0, y + 20);
            }
        }
        for (at, moment) in &scene.moments {
            if *moment == Moment::Crash(row) {
                let _ =
                    write!(svg, "<text class=\"crash\" x=\"{:.1}\" y=\"{}\">✗ crash</text>", x(*at), y + 44);
            }
        }
    }
    let _ = write!(svg, "<text x=\"4\" y=\"150\">pages sent</text><text x=\"4\" y=\"200\">operations</text>");
    let most = scene.moments.iter().filter_map(|(_, moment)| pages(moment)).max().unwrap_or(1);
    for (at, moment) in &scene.moments {
        if let Some(sent) = pages(moment) {
            let height = 4.0 + 36.0 * sent as f64 / most as f64;
            let _ = write!(
                svg,
                "<rect class=\"round\" x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"{height:.1}\"><title>{sent} pages</title></rect>",
                x(*at),
                164.0 - height
            );
        }
        if *moment == Moment::Registered {
            let _ = write!(
                svg,
                "<rect class=\"registered\" x=\"{:.1}\" y=\"168\" width=\"1.5\" height=\"6\"/>",
                x(*at)
            );
        }
    }
    let mut at = 0;
    while let Some(first) = scene.operations.get(at) {
        let run = scene.operations[at..].iter().take_while(|operation| *operation == first).count();
        let class = match first {
            Operation::Answered(0) => "at-source",
            Operation::Answered(_) => "at-destination",
            Operation::Retry => "retry",
        };
        let (left, width) = (x(at), x(at + run) - x(at));
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"180\" width=\"{width:.1}\" height=\"30\"><title>{class}: {run} operations from {at}</title></rect>"
        );
        at += run;
    }
    for (number, (at, name)) in marks(scene).into_iter().enumerate() {
        let (x, y) = (x(at), 226 + 16 * number);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.1}\" y1=\"14\" x2=\"{x:.1}\" y2=\"{y}\"/>\
             <text class=\"mark\" x=\"{:.1}\" y=\"{y}\">{name}: operation {at}</text>",
            x + 4.0
        );
    }
    let summary = summary.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>A VM moves</title>\n<style>\n\
         body {{ font: 15px sans-serif; margin: 2em; max-width: 1000px; }}\n\
         text {{ font: 13px sans-serif; }} rect {{ stroke: none; fill: #ddd; }}\n\
         .serving, .at-source {{ fill: #9ecae1; }} .pre-copy {{ fill: #6baed6; }} .frozen, .retry {{ fill: #fdae6b; }}\n\
         .handed-over {{ fill: #d9d9d9; }} .staging {{ fill: #c7e9c0; }} .prepared {{ fill: #74c476; }}\n\
         .at-destination {{ fill: #a1d99b; }} .absent {{ fill: #f5f5f5; }} .round {{ fill: #3182bd; }}\n\
         .registered {{ fill: #756bb1; }} .crash {{ fill: #d7301f; font-weight: bold; }} .down {{ fill: #d7301f; }}\n\
         line {{ stroke: #333; stroke-dasharray: 3 3; }}\n\
         </style></head>\n<body><h1>A VM moves, its clients keep their keys</h1>\n\
         <p>From left to right: operations of captured clients. Orange: they are told to try again. Small marks: registrations.</p>\n\
         <svg viewBox=\"0 0 {WIDTH} 264\" width=\"100%\" role=\"img\" aria-label=\"timeline\">{svg}</svg>\n<pre>{summary}</pre>\n</body></html>\n"
    )
}

/// Where the VM freezes, where its destination serves, and where a client is first answered there.
fn marks(scene: &Scene) -> Vec<(usize, &'static str)> {
    let begins = |machine: usize, phase: &str| {
        let wanted = |moment: &Moment| matches!(moment, Moment::Phase(number, name) if *number == machine && *name == phase);
        scene.moments.iter().find(|(_, moment)| wanted(moment)).map(|(at, _)| *at)
    };
    let answered = scene.operations.iter().position(|operation| *operation == Operation::Answered(1));
    [
        (begins(0, "frozen"), "freeze"),
        (begins(1, "serving"), "hand-over"),
        (answered, "first answer at the destination"),
    ]
    .into_iter()
    .filter_map(|(at, name)| Some((at?, name)))
    .collect()
}

fn pages(moment: &Moment) -> Option<usize> {
    if let Moment::Round(pages) = moment { Some(*pages) } else { None }
}
