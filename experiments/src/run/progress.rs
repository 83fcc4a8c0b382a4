//! How far a run is, on standard error: bars where that is a terminal, else one line a case.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A bar over all images of all cases, and one over the layers of an image under encryption.
pub struct Progress {
    bars: MultiProgress,
    images: ProgressBar,
    layers: ProgressBar,
}

impl Progress {
    /// Nothing done yet of `images` images.
    pub fn new(images: usize) -> Self {
        let bars = MultiProgress::new();
        let template = "{elapsed_precise} [{bar:40}] {msg}, image {pos}/{len}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> ");
        let all = bars.add(ProgressBar::new(images as u64).with_style(style));
        let layers = bars.add(ProgressBar::no_length());
        all.enable_steady_tick(Duration::from_millis(200));
        Self { bars, images: all, layers }
    }

    /// Where the run is.
    pub fn at(&self, message: String) {
        self.images.set_message(message);
    }

    /// What happens before the first layer.
    pub fn step(&self, message: &'static str) {
        self.layers.set_style(ProgressStyle::with_template("{elapsed_precise} {msg}").expect("a valid template"));
        self.layers.set_message(message);
        self.layers.reset();
        self.layers.tick();
    }

    /// The bar for layers.
    pub fn layers(&self) -> ProgressBar {
        self.layers.clone()
    }

    /// An image is done.
    pub fn image_done(&self) {
        self.images.inc(1);
    }

    /// Images that were done by an earlier run, or never will be: they do not count for the time left.
    pub fn skip(&self, images: usize) {
        self.images.inc(images as u64);
        self.images.reset_eta();
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        match self.bars.is_hidden() {
            true => eprintln!("{line}"),
            // Whoever closed standard error has no use for it.
            false => drop(self.bars.println(line)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.layers.finish_and_clear();
        self.images.finish_and_clear();
    }
}
