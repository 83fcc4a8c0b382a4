//! Processor time, of the process and of a thread.

use std::time::Duration;

/// Returns the processor time of this process, of all threads, in user mode and in the kernel; `None` if the system does
/// not say.
pub(super) fn of_process() -> Option<Duration> {
    imp::of_process()
}

/// Returns the processor time of this thread; `None` if the system does not say. A call takes ten times as long as one of
/// [`Instant::now`](std::time::Instant::now).
pub(super) fn of_thread() -> Option<Duration> {
    imp::of_thread()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod imp {
    use super::Duration;

    pub(super) fn of_process() -> Option<Duration> {
        read(libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    pub(super) fn of_thread() -> Option<Duration> {
        read(libc::CLOCK_THREAD_CPUTIME_ID)
    }

    fn read(clock: libc::clockid_t) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a structure that the function writes.
        let status = unsafe { libc::clock_gettime(clock, &raw mut time) };
        (status == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod imp {
    use super::Duration;

    pub(super) fn of_process() -> Option<Duration> {
        None
    }

    pub(super) fn of_thread() -> Option<Duration> {
        None
    }
}
