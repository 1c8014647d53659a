//! How much memory the process took, where the system tells (Linux).

/// Measures the most from here on; where the system does not allow it, from the start of the
/// process.
pub(crate) fn begin() {
    // 5: the peak is set back to what is taken now (proc(5)).
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// The most memory that was taken, in bytes.
pub(crate) fn most() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kilobytes * 1024)
}
