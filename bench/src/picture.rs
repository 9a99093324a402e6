//! A rotation as a waterfall: one line for each import, in its order; what is between them is the component with its runtime.

use std::fmt::Write;
use std::time::Duration;

use crate::watched::{Span, Who};

const LEFT: f64 = 150.0;
const WIDTH: f64 = 640.0;
const LINE: f64 = 22.0;
const TOP: f64 = 58.0;

/// The picture as SVG.
pub fn of(took: Duration, spans: &[Span]) -> String {
    let all = took.as_secs_f64() * 1e3;
    let x = |at: Duration| LEFT + at.as_secs_f64() * 1e3 / all * WIDTH;
    let bottom = TOP + LINE * (spans.len() as f64 + 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Where the time of one rotation goes</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\">One rotation against the emulator on loopback: {all:.1} ms</text>\n",
        LEFT + WIDTH + 90.0,
        bottom + 88.0
    );
    let step = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|step| all / step <= 10.0).unwrap_or(100.0);
    let mut at = 0.0;
    while at <= all {
        let x = LEFT + at / all * WIDTH;
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" fill=\"#555\" text-anchor=\"middle\">{at} ms</text>",
            TOP - 6.0,
            TOP - 10.0
        );
        at += step;
    }
    let mut shares: Vec<(&str, &str, f64)> = Vec::new();
    for (place, span) in spans.iter().enumerate() {
        let y = TOP + LINE * place as f64;
        let (name, colour) = look(span.who);
        let length = (span.until - span.from).as_secs_f64() * 1e3;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}: {}</text>\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#555\">{length:.2}</text>",
            LEFT - 8.0,
            y + 15.0,
            span.what,
            x(span.from),
            y + 3.0,
            (x(span.until) - x(span.from)).max(1.0),
            LINE - 6.0,
            x(span.until) + 5.0,
            y + 15.0
        );
        match shares.iter_mut().find(|share| share.0 == name) {
            Some(share) => share.2 += length,
            None => shares.push((name, colour, length)),
        }
    }
    // The last line: everything that is no import.
    let y = TOP + LINE * spans.len() as f64;
    let own = ("component, runtime", "#222");
    let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 8.0, y + 15.0, own.0);
    let mut from = Duration::ZERO;
    let mut between = 0.0;
    for until in spans.iter().map(|span| span.from).chain([took]) {
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            x(from),
            y + 3.0,
            x(until) - x(from),
            LINE - 6.0,
            own.1
        );
        between += until.saturating_sub(from).as_secs_f64() * 1e3;
        from = spans.iter().find(|span| span.from == until).map_or(took, |span| span.until);
    }
    let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#555\">{between:.2}</text>", x(took) + 5.0, y + 15.0);
    shares.push((own.0, own.1, between));
    legend(&mut svg, &shares, all, bottom);
    svg.push_str("</svg>\n");
    svg
}

/// What each has of the whole.
fn legend(svg: &mut String, shares: &[(&str, &str, f64)], all: f64, bottom: f64) {
    for (place, (name, colour, length)) in shares.iter().enumerate() {
        let (x, y) = (LEFT + 215.0 * (place % 3) as f64, bottom + 30.0 + 24.0 * (place / 3) as f64);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.0}\" y=\"{:.0}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.0}\" y=\"{y:.0}\">{name}: {length:.2} ms, {:.0} %</text>",
            y - 10.0,
            x + 18.0,
            100.0 * length / all
        );
    }
}

/// Told apart by people who see few colours, too.
fn look(who: Who) -> (&'static str, &'static str) {
    match who {
        Who::Lwa => ("LWA", "#e69f00"),
        Who::SpApi => ("SP-API", "#d55e00"),
        Who::Sqs => ("SQS", "#0072b2"),
        Who::Store => ("store", "#009e73"),
        Who::Target => ("target", "#cc79a7"),
    }
}
