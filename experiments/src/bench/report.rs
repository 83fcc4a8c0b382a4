//! The output of `bench`: a table, or a JSON object a line.

use fhe_ckks::Parameters;
use serde::Serialize;

use super::checked::Row;
use super::meter::Timing;
use super::operations::{HOISTED, Measured};
use super::reference;
use super::setting::LeftOut;
use crate::machine;

/// The origin of the figures: the first object of the JSON stream.
#[derive(Serialize)]
pub(crate) struct Provenance<'a> {
    version: &'static str,
    revision: Option<&'static str>,
    rustc: Option<&'static str>,
    date: String,
    cpu: Option<String>,
    cores: Option<usize>,
    threads: usize,
    kernels: &'static str,
    load_average: Option<f64>,
    ring_dim: usize,
    main_primes: usize,
    special_primes: usize,
    log_qp: f64,
    log_qp_limit: Option<f64>,
    security: u32,
    relu: &'a str,
    yardstick: String,
    yardstick_seconds: f64,
    own_ntt_seconds: f64,
    left_out: &'a [LeftOut],
}

/// One operation.
#[derive(Serialize)]
struct Line {
    op: &'static str,
    log_n: u32,
    slots: Option<usize>,
    limbs: Option<usize>,
    result_limbs: Option<usize>,
    threads: usize,
    seconds: Option<f64>,
    seconds_min: Option<f64>,
    seconds_max: Option<f64>,
    repeats: Option<usize>,
    ntts: Option<f64>,
    own_ntts: Option<f64>,
    bits: Option<f64>,
    mean_bits: Option<f64>,
    bytes: Option<usize>,
}

impl Line {
    fn new(row: &Row, log_n: u32, units: &[Timing; 2]) -> Self {
        let seconds = row.timing.map(|t| t.median);
        let [ntts, own_ntts] = units.map(|unit| seconds.map(|s| s / unit.median));
        Self {
            op: row.op,
            log_n,
            slots: row.slots,
            limbs: row.limbs,
            result_limbs: row.result_limbs,
            threads: row.threads,
            seconds,
            seconds_min: row.timing.map(|t| t.min),
            seconds_max: row.timing.map(|t| t.max),
            repeats: row.timing.map(|t| t.repeats),
            ntts,
            own_ntts,
            bits: row.precision.and_then(|p| p.worst_bits),
            mean_bits: row.precision.and_then(|p| p.mean_bits),
            bytes: row.bytes,
        }
    }
}

impl<'a> Provenance<'a> {
    /// Returns the provenance of figures measured with these parameters; `load_average` is that before the run.
    pub(crate) fn new(params: &Parameters, measured: &'a Measured, load_average: Option<f64>) -> Self {
        let basis = params.ring().basis();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            revision: machine::REVISION,
            rustc: machine::RUSTC,
            date: machine::now(),
            cpu: machine::cpu_model(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            threads: rayon::current_num_threads(),
            kernels: params.ring().kernels().name(),
            load_average,
            ring_dim: params.n(),
            main_primes: basis.main,
            special_primes: basis.special,
            log_qp: params.log_qp(),
            log_qp_limit: params.security().map(|report| report.limit),
            security: params.security_bits(),
            relu: &measured.relu,
            yardstick: format!("reference, forward, {}-bit prime, N = {}, 1 thread", reference::BITS, params.n()),
            yardstick_seconds: measured.units[0].median,
            own_ntt_seconds: measured.units[1].median,
            left_out: &measured.left_out,
        }
    }
}

/// Returns the provenance and the operations, a JSON object a line.
///
/// # Errors
/// None for what `bench` measures; serde's signature allows some.
pub(crate) fn json(
    provenance: &Provenance<'_>,
    params: &Parameters,
    measured: &Measured,
) -> serde_json::Result<String> {
    let mut text = serde_json::to_string(provenance)? + "\n";
    for row in &measured.rows {
        text += &(serde_json::to_string(&Line::new(row, params.log_n(), &measured.units))? + "\n");
    }
    Ok(text)
}

/// Returns the provenance, a table of the operations, and the operations that were left out.
pub(crate) fn table(provenance: &Provenance<'_>, params: &Parameters, measured: &Measured) -> String {
    let mut lines = heading(provenance);
    lines.push(format!(
        "{:<24} {:>6} {:>8} {:>3} {:>9} {:>21} {:>4} {:>9} {:>9} {:>6} {:>6} {:>9}",
        "operation", "slots", "limbs", "thr", "median", "min .. max", "runs", "ntts", "own", "bits", "mean", "bytes"
    ));
    let line = |row: &Row| line(row, Line::new(row, params.log_n(), &measured.units));
    lines.extend(measured.rows.iter().map(line));
    lines.extend(notes(measured));
    lines.push(String::new());
    lines.join("\n")
}

/// Program, machine, parameters and units.
fn heading(p: &Provenance<'_>) -> Vec<String> {
    let known = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
    let (revision, rustc) = (p.revision.unwrap_or("no revision"), p.rustc.unwrap_or("rustc unknown"));
    let cores = p.cores.map_or("unknown".to_owned(), |cores| cores.to_string());
    let load = p.load_average.map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    let limit = p.log_qp_limit.map_or(String::new(), |limit| format!(" of {limit:.0}"));
    let security = match p.security {
        0 => "INSECURE".to_owned(),
        bits => format!("{bits} bits of security"),
    };
    vec![
        format!("cipherlab {} ({revision}), {rustc}, {}", p.version, p.date),
        format!("{}, {} of {cores} cores, {}, load average {load}", known(p.cpu.as_deref()), p.threads, p.kernels),
        format!(
            "N = {}, {} main and {} special primes, logQP = {:.1}{limit}, {security}",
            p.ring_dim, p.main_primes, p.special_primes, p.log_qp
        ),
        format!("ntts: multiples of {}: {}", p.yardstick, seconds(p.yardstick_seconds)),
        format!("own: multiples of the transform of these kernels: {}\n", seconds(p.own_ntt_seconds)),
    ]
}

/// A row of the table.
fn line(row: &Row, line: Line) -> String {
    let limbs = match (line.limbs, line.result_limbs) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (from, _) => optional(from, |limbs| limbs.to_string()),
    };
    format!(
        "{:<24} {:>6} {limbs:>8} {:>3} {:>9} {:>21} {:>4} {:>9} {:>9} {:>6} {:>6} {:>9}",
        line.op,
        optional(line.slots, |slots| slots.to_string()),
        line.threads,
        optional(line.seconds, seconds),
        optional(row.timing, |t| format!("{} .. {}", seconds(t.min), seconds(t.max))),
        optional(line.repeats, |repeats| repeats.to_string()),
        optional(line.ntts, multiples),
        optional(line.own_ntts, multiples),
        optional(line.bits, |bits| format!("{bits:.1}")),
        optional(line.mean_bits, |bits| format!("{bits:.1}")),
        optional(line.bytes, bytes),
    )
}

/// The meaning of the columns, and the operations that were left out.
fn notes(measured: &Measured) -> Vec<String> {
    let mut notes = vec![format!(
        "\nlimbs: primes of the operand → of the result; thr: threads that the operation may use; bits, mean: −log2 of \
         the\nlargest and the mean error over random slots in [−1, 1].\n\
         rotate_hoisted: each of {HOISTED} rotations of one ciphertext. key_switch: mod_up, product, division."
    )];
    if measured.rows.iter().any(|row| row.op == "bootstrap") {
        let bootstraps = "bootstrap: the network's. It turns every slot x into sin(2πx/ρ)·ρ/2π; the check inverts that \
                          after decryption.\nbootstrap_arcsine: by the exponential, with an arcsine of degree 3, which \
                          returns x itself.";
        notes.push(bootstraps.to_owned());
    }
    notes.extend(measured.left_out.iter().map(|LeftOut { op, why }| format!("left out: {op}: {why}")));
    notes
}

fn optional<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or(String::new(), show)
}

/// Three or four digits and a unit.
fn seconds(s: f64) -> String {
    let (value, unit) = match s {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let digits = if value < 10.0 { 2 } else { 1 };
    format!("{value:.digits$} {unit}")
}

fn multiples(value: f64) -> String {
    let digits = if value < 100.0 { 2 } else { 0 };
    format!("{value:.digits$}")
}

fn bytes(count: usize) -> String {
    let count = count as f64;
    match count {
        c if c < 1e6 => format!("{:.1} kB", c / 1e3),
        c if c < 1e9 => format!("{:.1} MB", c / 1e6),
        c => format!("{:.2} GB", c / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_by_size() {
        assert_eq!([1.5e-4, 0.0123, 4.0, 61.23].map(seconds), ["150.0 µs", "12.3 ms", "4.00 s", "61.2 s"]);
        assert_eq!([2_500, 73_400_320, 1_300_000_000].map(bytes), ["2.5 kB", "73.4 MB", "1.30 GB"]);
        assert_eq!([1.0, 99.5, 25431.7].map(multiples), ["1.00", "99.50", "25432"]);
    }
}
