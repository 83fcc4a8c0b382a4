//! The server: evaluates the network on uploads, with public files only.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fhe_circuits::Stored;
use fhe_ckks::{Parameters, Serial};
use fhe_nn::encrypted::{ConstantPlace, Memory};
use indicatif::ProgressBar;

use super::frames;
use super::keys;
use super::manifest::Manifest;
use super::parcel::{self, Direction, Parcel};
use crate::case::{Case, Dial, Shelved};
use crate::files::Durability;
use crate::machine;
use crate::serving::Serving;

/// A server that is ready for uploads of one client.
pub(crate) struct Server {
    /// Seconds of reading and checking the keys.
    pub load: f64,
    /// Seconds of encoding constants, or of mapping those that were stored.
    pub prepare: f64,
    manifest: Manifest,
    client_ring: Parameters,
    serving: Serving,
}

/// A parcel that was evaluated.
#[derive(Default)]
pub(crate) struct Evaluated {
    /// Ciphertexts that were evaluated now.
    pub evaluated: usize,
    /// Ciphertexts whose logits were there already.
    pub kept: usize,
    /// Seconds from the first ciphertext to the last.
    pub seconds: f64,
    /// Seconds of reading ciphertexts, of all lanes.
    pub read: f64,
    /// Seconds of writing ciphertexts, of all lanes.
    pub write: f64,
    /// Bytes of the ciphertexts that were read now.
    pub upload_bytes: u64,
    /// Bytes of the ciphertexts that were written now.
    pub download_bytes: u64,
}

/// The progress bars of an evaluation.
pub(crate) trait Bars: Sync {
    /// Returns the bar over the steps of a ciphertext, when it is the only one that is evaluated.
    fn steps(&self, ciphertext: usize, of: usize) -> ProgressBar;
    /// Returns the bar over this many ciphertexts, when several are evaluated at once.
    fn ciphertexts(&self, count: usize) -> ProgressBar;
}

/// No bars.
pub(crate) struct Hidden;

impl Bars for Hidden {
    fn steps(&self, _: usize, _: usize) -> ProgressBar {
        ProgressBar::hidden()
    }

    fn ciphertexts(&self, _: usize) -> ProgressBar {
        ProgressBar::hidden()
    }
}

/// Returns the number of ciphertexts to evaluate at once, as far as `limit` bytes of memory and the number of ciphertexts go.
///
/// Ciphertexts of one image get a thread each: threads that share no ciphertext never wait for each other. On two threads this
/// took 0.93 of the time of one after the other. Ciphertexts of several images follow each other, each on all threads, which
/// share it limb by limb: two at once took 1.04 of that time, and more memory. There are several of them at once only where
/// threads exceed the limbs of the lowest key switches, those of convolutions. A case that is held as lean as possible has one
/// lane.
pub(crate) fn lanes(case: &Case, ciphertexts: usize, threads: usize, limit: Option<u64>) -> usize {
    let limbs = || case.params.key_shape(case.program.circuit().linear_level).basis().len();
    let threads_of_one = if case.program.images() > 1 { limbs() } else { 1 };
    let most = if *case.dial() == Dial::Lean { 1 } else { (threads / threads_of_one).min(ciphertexts).max(1) };
    let fits = |&lanes: &usize| limit.is_none_or(|limit| memory_at_once(case, lanes) <= limit);
    (1..=most).rev().find(fits).unwrap_or(1)
}

/// Returns the predicted bytes with so many ciphertexts at once.
pub(crate) fn memory_at_once(case: &Case, lanes: usize) -> u64 {
    (case.plan.memory.total() + (lanes - 1) * of_another(case.plan.memory, case.holding().constants)) as u64
}

/// Returns the bytes that another ciphertext takes at once. It shares keys and constants, but for those that it encodes itself when
/// it uses them.
fn of_another(memory: Memory, constants: ConstantPlace) -> usize {
    memory.working + if constants == ConstantPlace::WhenUsed { memory.constants } else { 0 }
}

impl Server {
    /// Reads the public keys of a client for a case. Encodes the constants unless they are `stored` already.
    ///
    /// # Errors
    /// Keys and weights that do not go together, and files that are no keys.
    pub(crate) fn start(keys: &Path, manifest: Manifest, case: Case, stored: Option<Stored>) -> Result<Self> {
        manifest.check_case(&case).with_context(|| keys.display().to_string())?;
        let started = Instant::now();
        let client_ring = case.program.client_ring(&case.params)?;
        let keys = keys::evaluation(keys, &manifest, &case)?;
        let load = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let serving = match stored {
            Some(stored) => Serving::with_constants(case, keys, stored)?,
            None => {
                let shelf = case.shelf(Shelved::of_server(false))?;
                Serving::start(case, keys, shelf.as_ref())?
            }
        };
        Ok(Self { load, prepare: started.elapsed().as_secs_f64(), manifest, client_ring, serving })
    }

    /// Opens an upload and the folder for its results.
    ///
    /// # Errors
    /// An upload under other keys, and a folder with the results of another upload or of another model.
    pub(crate) fn open(&self, from: &Path, out: &Path) -> Result<Parcel> {
        let parcel = Parcel::expect(from, Direction::Up)?;
        parcel.check_keys(from, &self.manifest)?;
        let answer = parcel.answered_by(self.case().model_sha256());
        match Parcel::read(out)? {
            Some(found) if found != answer && found.upload == answer.upload => bail!(
                "{}: found results of another model for this upload, wanted a new folder, or one with results of the same weights and \
                 intervals",
                out.display()
            ),
            Some(found) if found != answer => bail!(
                "{}: found results of the upload {}, wanted a new folder, or one with results of {}, that of {}",
                out.display(),
                found.upload,
                parcel.upload,
                from.display()
            ),
            Some(_) => {}
            None => {
                std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
                answer.write(out)?;
            }
        }
        Ok(parcel)
    }

    /// Evaluates every ciphertext of an upload whose logits are not in `out` yet: as many at once as there are `lanes`,
    /// each on its share of the threads.
    ///
    /// # Errors
    /// Ciphertexts that cannot be read, and a file system that refuses. Results that were written until then stay.
    pub(crate) fn evaluate(
        &self,
        parcel: &Parcel,
        [from, out]: [&Path; 2],
        lanes: usize,
        bars: &impl Bars,
    ) -> Result<Evaluated> {
        let count = parcel.ciphertexts();
        let missing: Vec<usize> = (0..count).filter(|&k| !parcel::path(out, Direction::Down, k).exists()).collect();
        let done = Mutex::new(Evaluated { kept: count - missing.len(), ..Evaluated::default() });
        let one = |k: usize, bar: ProgressBar| self.evaluate_one([from, out], k, bar, &done);
        let started = Instant::now();
        if lanes <= 1 {
            missing.iter().try_for_each(|&k| one(k, bars.steps(k, count)))?;
        } else {
            let bar = bars.ciphertexts(missing.len());
            // The last ones, fewer than the lanes, share all threads.
            let (whole, rest) = missing.split_at(missing.len() - missing.len() % lanes);
            for (numbers, lanes) in [(whole, lanes), (rest, rest.len())].into_iter().filter(|(all, _)| !all.is_empty())
            {
                in_lanes(numbers, lanes, &bar, |k| one(k, ProgressBar::hidden()))?;
            }
            bar.finish_and_clear();
        }
        let mut done = done.into_inner().expect("no holder panics");
        done.seconds = started.elapsed().as_secs_f64();
        Ok(done)
    }

    fn evaluate_one(&self, [from, out]: [&Path; 2], k: usize, bar: ProgressBar, done: &Mutex<Evaluated>) -> Result<()> {
        let [source, target] =
            [(from, Direction::Up), (out, Direction::Down)].map(|(folder, way)| parcel::path(folder, way, k));
        let started = Instant::now();
        let image = frames::read_ciphertext(&source, &self.client_ring)?;
        let read = started.elapsed().as_secs_f64();
        let logits = self.serving.evaluate(&image, bar, &mut |_, _| {});
        let logits = logits.with_context(|| source.display().to_string())?;
        let started = Instant::now();
        frames::write(&target, &self.client_ring, &logits, Durability::Whole)?;
        let mut done = done.lock().expect("no holder panics");
        done.evaluated += 1;
        done.read += read;
        done.write += started.elapsed().as_secs_f64();
        done.upload_bytes += std::fs::metadata(&source).map_or(0, |metadata| metadata.len());
        done.download_bytes += logits.serialized_len();
        Ok(())
    }

    /// Returns the case.
    pub(crate) fn case(&self) -> &Case {
        &self.serving.case
    }
}

/// Does `work` for each number, in as many threads as there are lanes. Each has a pool of its own with its share of the
/// threads of this one.
///
/// # Errors
/// The first error of `work`; what has not begun by then is left.
fn in_lanes(
    numbers: &[usize],
    lanes: usize,
    bar: &ProgressBar,
    work: impl Fn(usize) -> Result<()> + Sync,
) -> Result<()> {
    let threads = (rayon::current_num_threads() / lanes).max(1);
    let next = AtomicUsize::new(0);
    let lane = || -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("threads of a lane")?;
        while let Some(&number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = pool.install(|| work(number)) {
                next.store(numbers.len(), Ordering::Relaxed);
                return Err(error);
            }
            bar.inc(1);
        }
        Ok(())
    };
    let results = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().map(|lane| lane.join().expect("a lane does not panic")).collect::<Vec<_>>()
    });
    results.into_iter().collect()
}

/// Returns the bytes of memory that an evaluation may take: what the user grants, and no more than the process can still have. Ask
/// before keys are read, since predictions count them.
pub(crate) fn memory_limit(granted: Option<u64>) -> Option<u64> {
    [granted, machine::available().map(|available| available.bytes)].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseSpec, HEADROOM, Model};
    use fhe_nn::encrypted::Packing;

    #[test]
    fn several_at_once_where_threads_are_left_and_memory_allows() {
        let case = |packing| {
            let relu = "chebyshev:7".parse().unwrap();
            let spec = CaseSpec { ring_dim: 1 << 16, relu, packing, profile: None };
            Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap()
        };
        let single = case(Packing::Fused);
        let found = [(9, 4), (3, 4), (1, 4), (0, 4)];
        assert_eq!(found.map(|(ciphertexts, threads)| lanes(&single, ciphertexts, threads, None)), [4, 3, 1, 1]);
        let case = case(Packing::Batch);
        let limbs = case.params.key_shape(case.program.circuit().linear_level).basis().len();
        assert!(limbs >= 4, "{limbs}: a machine of two cores has no lanes");
        let of = |threads: usize, ciphertexts: usize| lanes(&case, ciphertexts, threads, None);
        assert_eq!([1, limbs, 2 * limbs - 1].map(|threads| of(threads, 9)), [1; 3], "one keeps these threads busy");
        assert_eq!([2 * limbs, 3 * limbs - 1, 5 * limbs].map(|threads| of(threads, 9)), [2, 2, 5]);
        assert_eq!([3, 1, 0].map(|ciphertexts| of(4 * limbs, ciphertexts)), [3, 1, 1]);
        let memory = case.plan.memory;
        assert_eq!(memory_at_once(&case, 3), (memory.total() + 2 * memory.working) as u64);
        let many = |case: &Case, limit: u64| lanes(case, 9, 4 * limbs, Some(limit));
        for wanted in 1..=4 {
            let limit = memory_at_once(&case, wanted);
            assert_eq!((many(&case, limit), many(&case, limit - 1)), (wanted, (wanted - 1).max(1)));
        }
        let lean = case.with_dial(Dial::Lean);
        assert_eq!(many(&lean, u64::MAX), 1, "as little as possible");
        assert_eq!(of_another(memory, ConstantPlace::Memory), memory.working);
        assert_eq!(of_another(memory, ConstantPlace::WhenUsed), memory.working + memory.constants, "encoded for each");
    }

    #[test]
    fn a_lane_that_fails_stops_the_others() {
        let (numbers, done) = ((0..10_000).collect::<Vec<_>>(), AtomicUsize::new(0));
        let work = |number: usize| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            done.fetch_add(1, Ordering::Relaxed);
            if number == 3 { bail!("number 3") } else { Ok(()) }
        };
        let error = in_lanes(&numbers, 2, &ProgressBar::hidden(), work).unwrap_err();
        assert_eq!((error.to_string().as_str(), done.load(Ordering::Relaxed) < numbers.len()), ("number 3", true));
        done.store(0, Ordering::Relaxed);
        in_lanes(&numbers[10..100], 3, &ProgressBar::hidden(), work).unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 90);
    }
}
