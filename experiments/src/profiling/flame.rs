//! The flame graph: what the time of an evaluation goes to, from wide frames to narrow ones.

use crate::records::TimeRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};

use super::summary::is_evaluation;
use super::time::{IDLE, UNATTRIBUTED, WAITING};

/// Rows of a panel above each other.
const HEIGHT: u32 = 150;

/// Kinds of primitives: words for the legend, the beginnings of their names, and the number of their colour.
const KINDS: [(&str, &[&str], usize); 7] = [
    ("transforms", &["forward", "inverse"], 5),
    ("base conversion", &["base conversion"], 1),
    ("keys", &["key products", "drawing uniform", "unpacking keys"], 4),
    ("diagonals", &["products with diagonals", "unpacking diagonals"], 2),
    ("encoding", &["encoding"], 3),
    ("other arithmetic", &["products of ciphertexts", "permutations", "element-wise", "copies"], 11),
    ("allocation, idle, unattributed", &["allocation", IDLE, UNATTRIBUTED], 13),
];

/// A frame: its word, its thread seconds, and the frames inside of it.
#[derive(Default)]
struct Frame {
    word: String,
    seconds: f64,
    inside: Vec<Frame>,
}

impl Frame {
    /// Adds seconds to the frame that these words lead to.
    fn add(&mut self, words: &[&str], seconds: f64) {
        self.seconds += seconds;
        let Some((first, rest)) = words.split_first() else { return };
        let at = self.inside.iter().position(|frame| frame.word == *first).unwrap_or_else(|| {
            self.inside.push(Self { word: (*first).to_owned(), ..Self::default() });
            self.inside.len() - 1
        });
        self.inside[at].add(rest, seconds);
    }

    /// Sorts the frames at a depth and below, the largest first, and last what is no primitive.
    fn sort_from(&mut self, depth: usize) {
        if depth == 0 {
            let rest = |frame: &Self| [IDLE, UNATTRIBUTED].contains(&&*frame.word);
            self.inside.sort_by(|a, b| rest(a).cmp(&rest(b)).then(b.seconds.total_cmp(&a.seconds)));
        }
        self.inside.iter_mut().for_each(|frame| frame.sort_from(depth.saturating_sub(1)));
    }

    /// Draws the frames inside of this one, which begins at `x`, in row `depth` and those above.
    fn draw(&self, x: f64, depth: usize, threads: f64, marks: &mut Vec<Mark>) {
        let mut x = x;
        for frame in &self.inside {
            let end = x + frame.seconds / threads;
            let look = look(&frame.word, frame.inside.is_empty());
            let row = depth as f64;
            marks.push(Mark::Frames(vec![([x, end, row, row + 1.0], frame.word.clone())], look));
            frame.draw(x, depth + 1, threads, marks);
            x = end;
        }
    }
}

fn look(word: &str, primitive: bool) -> Look {
    let kind = KINDS.iter().find(|(_, names, _)| names.iter().any(|name| word.starts_with(name)));
    match (primitive, kind) {
        (true, Some((_, _, colour))) => Look::area(*colour),
        // Drawing of secrets and packing of keys, which occur in key generation only.
        (true, None) => Look::area(11),
        (false, _) => Look::filling(6, false),
    }
}

/// Returns the flame graph of an evaluation on so many threads: by layer, and by operation with all layers together.
pub(super) fn figure(rows: &[TimeRow], threads: usize, title: &str) -> Figure {
    let (mut layers, mut operations) = (Frame::default(), Frame::default());
    for row in rows.iter().filter(|row| is_evaluation(row) && row.primitive != WAITING) {
        layers.add(&[&row.layer, &row.op, &row.primitive], row.seconds);
        let part = if row.part.is_empty() { &row.op } else { &row.part };
        operations.add(&[&row.op, part, &row.primitive], row.seconds);
    }
    layers.sort_from(2);
    operations.sort_from(0);
    let wall = layers.seconds / threads as f64;
    let panel = |title: &str, names: [&str; 3], frames: &Frame| {
        let mut marks = Vec::new();
        frames.draw(0.0, 0, threads as f64, &mut marks);
        let ticks = names.iter().enumerate().map(|(row, name)| (row as f64 + 0.5, (*name).to_owned())).collect();
        let y = Axis { label: String::new(), lo: 0.0, hi: 3.0, log: false, ticks };
        let x = Axis::from_zero("seconds", [wall], 8).cut([0.0, wall]);
        Panel { title: title.to_owned(), x, y, marks }
    };
    Figure {
        title: title.to_owned(),
        caption: vec![
            "The width of a frame is its share of all threads' time, in seconds by the clock, without the time in which \
             other programs held the processors. Above each frame is what it consists of."
                .to_owned(),
        ],
        legend: KINDS.iter().map(|(words, _, colour)| ((*words).to_owned(), Look::area(*colour))).collect(),
        panels: vec![
            panel("By operation, all layers together", ["operation", "part", "primitive"], &operations),
            panel("By layer, in the order of evaluation", ["layer", "operation", "primitive"], &layers),
        ],
        columns: 1,
        panel_height: HEIGHT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_wide_as_their_time_and_end_with_what_is_idle() {
        let row = |layer: &str, op: &str, part: &str, primitive: &str, seconds| TimeRow {
            ciphertext: 1,
            layer: layer.to_owned(),
            op: op.to_owned(),
            part: part.to_owned(),
            primitive: primitive.to_owned(),
            seconds,
            calls: 1,
        };
        let rows = [
            row("setup", "key generation", "", "packing", 9.0),
            row("conv1", "convolution", "", IDLE, 3.0),
            row("conv1", "convolution", "", "key products", 1.0),
            row("conv1", "bootstrap", "ModRaise", "key products", 3.0),
            row("act", "bootstrap", "ModRaise", "permutations", 2.0),
            row("act", "bootstrap", "ModRaise", WAITING, 7.0),
        ];
        let figure = figure(&rows, 2, "");
        let frames = |panel: &Panel| -> Vec<(f64, f64, f64, String)> {
            let frames = panel.marks.iter().flat_map(|mark| match mark {
                Mark::Frames(frames, _) => frames.clone(),
                _ => panic!("a flame graph has frames only"),
            });
            frames.map(|([x0, x1, y0, _], word)| (x0, x1, y0, word)).collect()
        };
        let named = |frame: &(f64, f64, f64, String)| (frame.0, frame.1, frame.2, frame.3.as_str().to_owned());
        let operations: Vec<_> = frames(&figure.panels[0]).iter().map(named).collect();
        let wanted = [
            (0.0, 2.5, 0.0, "bootstrap"),
            (0.0, 2.5, 1.0, "ModRaise"),
            (0.0, 1.5, 2.0, "key products"),
            (1.5, 2.5, 2.0, "permutations"),
            (2.5, 4.5, 0.0, "convolution"),
            (2.5, 4.5, 1.0, "convolution"),
            (2.5, 3.0, 2.0, "key products"),
            (3.0, 4.5, 2.0, IDLE),
        ];
        assert_eq!(operations, wanted.map(|(x0, x1, y, word)| (x0, x1, y, word.to_owned())));
        let layers: Vec<_> = frames(&figure.panels[1]).into_iter().filter(|frame| frame.2 == 0.0).collect();
        assert_eq!(layers, [(0.0, 3.5, 0.0, "conv1".to_owned()), (3.5, 4.5, 0.0, "act".to_owned())]);
        assert_eq!((figure.panels[0].x.lo, figure.panels[0].x.hi), (0.0, 4.5));
    }
}
