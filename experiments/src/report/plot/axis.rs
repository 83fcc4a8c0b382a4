//! Axes: a range that contains the data, and ticks at round numbers.

/// An axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Its quantity, with the unit.
    pub label: String,
    /// The left or bottom end.
    pub lo: f64,
    /// The right or top end.
    pub hi: f64,
    /// Whether the axis is logarithmic.
    pub log: bool,
    /// The positions of lines and labels.
    pub ticks: Vec<(f64, String)>,
}

/// Steps that stay free beyond the data.
const ROOM: f64 = 0.08;
/// The possible steps between ticks, times a power of ten.
const STEPS: [f64; 5] = [1.0, 2.0, 2.5, 5.0, 10.0];

impl Axis {
    /// Returns a linear axis for these values with about `count` ticks. The range is widened to ticks.
    pub(crate) fn linear(label: &str, values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let (lo, hi) = ends(values, (0.0, 1.0));
        let span = if hi > lo { hi - lo } else { hi.abs().max(1.0) / 10.0 };
        let rough = span / count as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = power * STEPS.into_iter().find(|step| step * power >= rough * 0.85).unwrap_or(10.0);
        // Leave room for a marker at either end, except at 0.
        let room = |end: f64, room: f64| if end == 0.0 { 0.0 } else { end / step + room };
        let (first, last) = (room(lo, -ROOM).floor(), room(hi, ROOM).ceil());
        let last = last.max(first + 1.0);
        let decimals = (0..9).find(|&d| (step * 10_f64.powi(d)).fract().abs() < 1e-6).unwrap_or(0) as usize;
        let ticks = (first as i64..=last as i64).map(|tick| tick as f64 * step);
        Self {
            label: label.to_owned(),
            lo: first * step,
            hi: last * step,
            log: false,
            ticks: ticks.map(|tick| (tick, format!("{tick:.decimals$}").replace('-', "−"))).collect(),
        }
    }

    /// Returns a linear axis for these values that begins at 0.
    pub(crate) fn from_zero(label: &str, values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        Self::linear(label, values.into_iter().chain([0.0]), count)
    }

    /// Returns an axis from 0 to 100 %.
    pub(crate) fn percent(label: &str) -> Self {
        let ticks = (0..=5).map(|tick| 20 * tick);
        let ticks = ticks.map(|tick| (f64::from(tick), tick.to_string())).collect();
        Self { label: label.to_owned(), lo: 0.0, hi: 100.0, log: false, ticks }
    }

    /// Returns a logarithmic axis. The range is widened to powers of ten; at most eleven of them have ticks.
    pub(crate) fn decades(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (lo, hi) = ends(values.into_iter().filter(|value| *value > 0.0), (0.1, 1.0));
        let (first, last) = ((lo.log10() + 1e-9).floor() as i32, (hi.log10() - 1e-9).ceil() as i32);
        let last = last.max(first + 1);
        let step = ((last - first + 9) / 10).max(1);
        let ticks = (first..=last).filter(|power| (power - first) % step == 0);
        Self {
            label: label.to_owned(),
            lo: 10_f64.powi(first),
            hi: 10_f64.powi(last),
            log: true,
            ticks: ticks.map(|power| (10_f64.powi(power), format!("10{}", superscript(power)))).collect(),
        }
    }

    /// Returns the axis cut to these values, if two ticks remain.
    pub(crate) fn cut(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        let (lo, hi) = ends(values, (self.lo, self.hi));
        let within = |tick: &(f64, String)| (lo..=hi).contains(&tick.0);
        if self.ticks.iter().filter(|tick| within(tick)).count() >= 2 {
            self.ticks.retain(within);
            (self.lo, self.hi) = (lo, hi);
        }
        self
    }

    /// Returns a logarithmic axis with ticks only at these positions, and a margin beyond the first and the last.
    pub(crate) fn at(label: &str, positions: &[(f64, String)], margin: f64) -> Self {
        let (lo, hi) = ends(positions.iter().map(|tick| tick.0), (1.0, 10.0));
        Self { label: label.to_owned(), lo: lo / margin, hi: hi * margin, log: true, ticks: positions.to_vec() }
    }

    /// Returns the position of a value, from 0 at the lower end to 1 at the upper.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let map = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).ln() } else { v };
        (map(value) - map(self.lo)) / (map(self.hi) - map(self.lo))
    }
}

/// Returns the smallest and the largest finite value, or `otherwise` without one.
fn ends(values: impl IntoIterator<Item = f64>, none: (f64, f64)) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let ends = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if ends.0 <= ends.1 { ends } else { none }
}

/// Returns an exponent in superscript digits.
pub(super) fn superscript(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    power.to_string().chars().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_the_data() {
        let axis = Axis::linear("", [1.3, 9.2], 5);
        assert_eq!(labels(&axis), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&Axis::linear("", [0.12, 0.31], 4)), ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"]);
        assert_eq!(labels(&Axis::from_zero("", [-2.5], 5)), ["−3.0", "−2.5", "−2.0", "−1.5", "−1.0", "−0.5", "0.0"]);
        assert_eq!(labels(&Axis::linear("", [7.0, 7.0], 2)), ["6.5", "7.0", "7.5"]);
        assert_eq!(labels(&Axis::from_zero("", [10.0], 5)), ["0", "2", "4", "6", "8", "10", "12"]);
        assert_eq!(labels(&Axis::linear("", [f64::NAN], 2)), ["0.0", "0.5", "1.0", "1.5"]);
    }

    #[test]
    fn decades_are_whole_and_few() {
        let axis = Axis::decades("", [0.002, 3.0, 0.0]);
        assert_eq!((axis.lo, axis.hi), (1e-3, 10.0));
        assert_eq!(labels(&axis), ["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]);
        assert!(Axis::decades("", [1e-30, 1.0]).ticks.len() <= 11);
        assert!((axis.place(0.1) - 0.5).abs() < 1e-12);
        let cut = axis.cut([0.02, 2.0]);
        assert_eq!((cut.lo, cut.hi, labels(&cut)), (0.02, 2.0, vec!["10⁻¹", "10⁰"]));
        assert_eq!(Axis::decades("", [0.2, 0.5]).cut([0.2, 0.5]).hi, 1.0);
    }

    #[test]
    fn chosen_ticks_stand_where_they_are_told() {
        let axis = Axis::at("", &[(4.0, "4".to_owned()), (16.0, "16".to_owned())], 2.0);
        assert!((axis.place(8.0) - 0.5).abs() < 1e-12);
        assert_eq!((axis.lo, axis.hi), (2.0, 32.0));
    }
}
