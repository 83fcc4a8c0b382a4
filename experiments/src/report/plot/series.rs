//! Groups cases into series, each named by the parts in which the groups differ.

use super::figure::{Look, Mark};
use crate::records::CaseRow;
use crate::report::outcome::case_in_words;
use crate::report::source::Source;

/// The part that every name has.
pub(super) const INSECURE: &str = "below 128 bits";
/// The words between the backend and the case whose noise it draws.
const NOISE_OF: &str = " with noise of ";

/// A series.
pub(super) struct Group<'a> {
    /// The backend, and the other parts in which groups differ.
    pub name: String,
    /// The run of the cases.
    pub source: &'a Source,
    /// The cases in order.
    pub cases: Vec<&'a CaseRow>,
}

/// Groups the cases for which `parts` returns equal words, and whose threads, kernels and settings of memory are equal. Cases without words
/// are left out.
pub(super) fn groups<'a>(sources: &'a [Source], parts: impl Fn(&CaseRow) -> Option<Vec<String>>) -> Vec<Group<'a>> {
    groups_by(sources, |source, case| Some([parts(case)?, source.resources(case).to_vec()].concat()))
}

/// Groups the cases for which `parts` returns equal words. Cases without words are left out.
pub(super) fn groups_by<'a>(
    sources: &'a [Source],
    parts: impl Fn(&Source, &CaseRow) -> Option<Vec<String>>,
) -> Vec<Group<'a>> {
    let mut found: Vec<(Vec<String>, Group<'a>)> = Vec::new();
    for source in sources {
        let run = label(source, sources);
        for case in source.cases() {
            let Some(words) = parts(source, case) else { continue };
            let security = if case.is_insecure() { INSECURE } else { "" };
            let words = [vec![backend(case).to_owned()], words, vec![security.to_owned(), run.clone()]].concat();
            let same = |known: &[String], group: &Group<'_>| std::ptr::eq(group.source, source) && known == words;
            match found.iter_mut().find(|(known, group)| same(known, group)) {
                Some((_, group)) => group.cases.push(case),
                None => found.push((words, Group { name: String::new(), source, cases: vec![case] })),
            }
        }
    }
    let all: Vec<_> = found.iter().map(|(words, _)| words.clone()).collect();
    let varies = |at: usize| all.iter().any(|words| words[at] != all[0][at]);
    let name = |words: &[String]| {
        let kept = words
            .iter()
            .enumerate()
            .filter(|(at, word)| !word.is_empty() && (*at == 0 || varies(*at) || *word == INSECURE));
        kept.map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(", ")
    };
    found.into_iter().map(|(words, group)| Group { name: name(&words), ..group }).collect()
}

/// Returns the words of cases at their points. Cases without a point have none.
pub(super) fn hover<'a>(
    cases: impl IntoIterator<Item = &'a CaseRow>,
    point: impl Fn(&CaseRow) -> Option<(f64, f64)>,
    look: Look,
) -> Mark {
    let words = |case: &CaseRow| format!("{}\n{}", case.case, case_in_words(case));
    let at = |case: &'a CaseRow| point(case).map(|(x, y)| (x, y, words(case)));
    Mark::Hover(cases.into_iter().filter_map(at).collect(), look)
}

/// Returns the label of an engine that is not this program, or the backend without the case whose noise it draws; a
/// figure's caption names that.
fn backend(case: &CaseRow) -> &str {
    case.engine.as_ref().unwrap_or(&case.backend).split(NOISE_OF).next().unwrap_or_default()
}

/// Returns the case whose noise is drawn by simulated cases without noise of their own.
pub(super) fn borrowed_noise(sources: &[Source]) -> Vec<&str> {
    let cases = sources.iter().flat_map(Source::cases);
    let mut found: Vec<&str> = cases.filter_map(|case| Some(case.backend.split_once(NOISE_OF)?.1)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the run's name, with its folder if another of `sources` has the same name.
pub(super) fn label(source: &Source, sources: &[Source]) -> String {
    match sources.iter().filter(|other| other.name() == source.name()).count() {
        0 | 1 => source.name().to_owned(),
        _ => format!("{} in {}", source.name(), source.run.folder.display()),
    }
}

/// Returns `N = 2¹⁶`, or an empty text for a case without a ring.
pub(super) fn ring(case: &CaseRow) -> String {
    case.ring_dim.map_or(String::new(), |n| format!("N = {}", power(n)))
}

/// Returns `2¹⁶`, or the number itself if it is not a power of two.
pub(super) fn power(n: usize) -> String {
    if n.is_power_of_two() { format!("2{}", super::axis::superscript(n.ilog2() as i32)) } else { n.to_string() }
}

/// Returns the packing, or an empty text for a case without one.
pub(super) fn packing(case: &CaseRow) -> String {
    case.packing.clone().unwrap_or_default()
}

/// Returns family and degree of an activation such as `chebyshev:59`; `None` if it has not one degree.
pub(super) fn degree(relu: &str) -> Option<(&str, f64)> {
    let (family, degree) = relu.rsplit_once(':')?;
    Some((family, f64::from(degree.parse::<u32>().ok().filter(|&degree| degree > 0)?)))
}
