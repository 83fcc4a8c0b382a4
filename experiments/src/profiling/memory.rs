//! Memory over time, read by a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fhe_ring::buffer::{LimbBytes, limb_bytes};
use fhe_ring::meter::{Holder, held};

use crate::machine::{self, Resident};

/// The time between two samples.
const INTERVAL: Duration = Duration::from_millis(20);

/// The memory of the process at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The moment.
    pub at: Instant,
    /// Resident memory, as the kernel counts it.
    pub resident: Resident,
    /// Limbs, as their pool counts them.
    pub limbs: LimbBytes,
    /// Bytes by holder.
    pub held: [u64; HOLDERS.len()],
}

/// All holders.
pub(super) const HOLDERS: [Holder; 12] = [
    Holder::RotationKeys,
    Holder::RelinearizationKeys,
    Holder::EncapsulationKeys,
    Holder::ClientKeys,
    Holder::Secrets,
    Holder::Matrices,
    Holder::Weights,
    Holder::Ciphertexts,
    Holder::Tables,
    Holder::Permutations,
    Holder::Files,
    Holder::Models,
];

impl Sample {
    /// Reads the memory of the process now; `None` if the kernel does not say.
    pub(super) fn now() -> Option<Self> {
        // Counters first: memory is counted before it becomes resident.
        let (limbs, held) = (limb_bytes(), HOLDERS.map(held));
        Some(Self { at: Instant::now(), resident: machine::resident()?, limbs, held })
    }

    /// Returns the bytes of a holder.
    pub(super) fn held(&self, holder: Holder) -> u64 {
        self.held[HOLDERS.iter().position(|&other| other == holder).expect("all holders are listed")]
    }
}

/// A thread that reads the memory of the process again and again.
pub(super) struct Sampler {
    thread: Option<JoinHandle<()>>,
    /// The number that the kernel gave the thread.
    number: Option<u64>,
    over: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Sampler {
    /// Starts to read.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (over, samples) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Sample>>>::default());
        let (ends, keeps) = (over.clone(), samples.clone());
        let (tell, told) = std::sync::mpsc::channel();
        let read = move || {
            let _ = tell.send(machine::thread());
            while !ends.load(Ordering::Relaxed) {
                keeps.lock().expect("no holder panics").extend(Sample::now());
                std::thread::sleep(INTERVAL);
            }
        };
        let thread = std::thread::Builder::new().name("memory".to_owned()).spawn(read)?;
        let number = told.recv().ok().flatten();
        Ok(Self { thread: Some(thread), number, over, samples })
    }

    /// Returns the number that the kernel gave the thread; `None` if it does not say.
    pub(super) fn thread(&self) -> Option<u64> {
        self.number
    }

    /// Stops to read, and returns what was read.
    pub(super) fn stop(&mut self) -> Vec<Sample> {
        self.end();
        std::mem::take(&mut self.samples.lock().expect("no holder panics"))
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.end();
    }
}
