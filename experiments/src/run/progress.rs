//! Shows the progress of a run on standard error: bars if that is a terminal, and a line for each case.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A bar over all images of all cases, and one over the layers of an image under encryption.
pub(super) struct Progress {
    bars: MultiProgress,
    images: ProgressBar,
    layers: ProgressBar,
}

impl Progress {
    /// Bars for `images` images, none of them done.
    pub(super) fn new(images: usize) -> Self {
        let bars = MultiProgress::new();
        let template = "{elapsed_precise} [{bar:40}] {msg}, image {pos}/{len}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> ");
        let all = bars.add(ProgressBar::new(images as u64).with_style(style));
        let layers = bars.add(ProgressBar::no_length());
        all.enable_steady_tick(Duration::from_millis(200));
        Self { bars, images: all, layers }
    }

    /// Names the case that runs now.
    pub(super) fn at(&self, message: String) {
        self.images.set_message(message);
    }

    /// Names a step before the first layer.
    pub(super) fn step(&self, message: &'static str) {
        self.layers.set_style(ProgressStyle::with_template("{elapsed_precise} {msg}").expect("a valid template"));
        self.layers.set_message(message);
        self.layers.reset();
        self.layers.tick();
    }

    /// The bar for layers.
    pub(super) fn layers(&self) -> ProgressBar {
        self.layers.clone()
    }

    /// Counts an image that is done.
    pub(super) fn image_done(&self) {
        self.images.inc(1);
    }

    /// Counts images that were done by an earlier process, or will not be done. They do not count for the time left.
    pub(super) fn skip(&self, images: usize) {
        self.images.inc(images as u64);
        self.images.reset_eta();
    }

    /// Prints a line that stays.
    pub(super) fn say(&self, line: &str) {
        if self.bars.is_hidden() {
            eprintln!("{line}");
        } else {
            // The run goes on without a reader of standard error.
            drop(self.bars.println(line));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.layers.finish_and_clear();
        self.images.finish_and_clear();
    }
}
