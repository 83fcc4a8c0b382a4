//! The figures of a page: SVG in the colours of the page, with places that tell their case.

use std::fmt::Write;

use anyhow::Result;
use clap::ValueEnum;
use maud::{Markup, PreEscaped, Render, html};

use crate::report::plot::draw;
use crate::report::plot::figure::Figure;
use crate::report::plot::kinds::FigureKind;
use crate::report::source::Source;

/// Parts of plotters' SVG that a page does without: its font comes from the style sheet, and lines need no ends.
const SPARE: [(&str, &str); 5] = [
    (" opacity=\"1\"", ""),
    (" font-family=\"Source Sans 3, Source Sans Pro, Helvetica, Arial, sans-serif\"", ""),
    (" stroke=\"none\" stroke-width=\"1\"/>", "/>"),
    ("\n", ""),
    (".00000000000001\"", "\""),
];

/// The most panels of a figure in a page. A larger figure cannot be read on a screen; `plot` draws it into a file.
const PANELS: usize = 24;

/// Returns the figures that can be made of a run.
///
/// # Errors
/// A figure that cannot be drawn.
pub(super) fn of(source: &Source) -> Result<Vec<Markup>> {
    let kinds = FigureKind::value_variants().iter();
    let figures = kinds.filter_map(|kind| kind.figure(source.name(), std::slice::from_ref(source)).ok());
    figures.map(|figure| if figure.panels.len() > PANELS { Ok(left_out(&figure)) } else { inline(&figure) }).collect()
}

fn left_out(figure: &Figure) -> Markup {
    let (title, panels) = (&figure.title, figure.panels.len());
    html! { p.note { (title) ": left out, since it has " (panels) " panels, wanted " (PANELS) " or fewer; `cipherlab plot` draws it." } }
}

/// Joins lines of one look that follow each other, such as dashes, to a path.
fn joined(svg: &str) -> String {
    const LINE: &str = "<polyline fill=\"none\" ";
    let mut text = String::with_capacity(svg.len());
    // The look of the path that is open.
    let mut open: Option<&str> = None;
    for element in svg.split_inclusive('>') {
        let line = element.strip_prefix(LINE).and_then(|line| line.strip_suffix(" \"/>")?.split_once(" points=\""));
        if open.is_some() && open != line.map(|(look, _)| look) {
            text += "\"/>";
            open = None;
        }
        match line {
            Some((look, points)) => {
                if open.replace(look).is_none() {
                    text += &format!("<path fill=\"none\" {look} d=\"");
                }
                text += &format!("M{points}");
            }
            None => text += element,
        }
    }
    text
}

fn inline(figure: &Figure) -> Result<Markup> {
    let mut svg = draw::svg(figure)?;
    SPARE.iter().for_each(|(spare, instead)| svg = svg.replace(spare, instead));
    let mut svg = joined(&svg);
    let label = html! { (figure.title) }.into_string();
    let open = format!("<svg role=\"img\" tabindex=\"0\" aria-label=\"{label}: arrow keys go from point to point\"");
    svg = svg.replacen("<svg", &open, 1);
    // The drawing is four times as large as its units.
    let scale = 4.0;
    let mut places = String::new();
    for spot in draw::spots(figure) {
        let (x, y) = ((scale * spot.x).round(), (scale * spot.y).round());
        let text = html! { (spot.text) }.render().into_string().replace('\n', "&#10;");
        write!(places, "<circle class=\"spot\" cx=\"{x}\" cy=\"{y}\" r=\"36\" data-text=\"{text}\"/>")?;
    }
    svg = svg.replace("</svg>", &format!("{places}</svg>"));
    Ok(html! { figure { (PreEscaped(svg)) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_become_one_path_and_other_elements_stay() {
        let line =
            |look: &str, points: &str| format!("<polyline fill=\"none\" stroke=\"{look}\" points=\"{points} \"/>");
        let svg = format!(
            "<g>{}{}{}<text x=\"1\">a</text></g>",
            line("red", "1,2 3,4"),
            line("red", "5,6 7,8"),
            line("blue", "0,0 1,1")
        );
        let wanted = "<g><path fill=\"none\" stroke=\"red\" d=\"M1,2 3,4M5,6 7,8\"/>\
                      <path fill=\"none\" stroke=\"blue\" d=\"M0,0 1,1\"/><text x=\"1\">a</text></g>";
        assert_eq!(joined(&svg), wanted);
    }
}
