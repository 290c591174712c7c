//! Who goes first when there are more threads than cores.

/// A tenth of the share of a thread at the usual priority, by the kernel's table of weights.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lets every thread at the usual priority go before the calling one.
///
/// There is a hashing thread for each core. At the same priority a request that takes microseconds waits for
/// its turn behind hashes that take milliseconds. Where the cores have nothing else to do, this costs nothing.
pub(super) fn yield_to_others() {
    // On Linux the priority belongs to the thread, elsewhere to the whole process: left alone there.
    // Should the system refuse, hashes are as good as before.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn only_the_calling_thread_steps_back() {
        let before = getpriority_process(None).unwrap();
        let inside = thread::spawn(|| {
            yield_to_others();
            getpriority_process(None).unwrap()
        });
        assert_eq!(inside.join().unwrap(), before.max(NICE));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
