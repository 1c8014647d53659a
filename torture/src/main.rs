//! The command of the crate.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

fn main() -> ExitCode {
    torture::main()
}
