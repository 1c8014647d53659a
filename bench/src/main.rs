//! The side-by-side benchmark.
#![allow(unsafe_code)]
mod case;
mod ours;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn gf(m: usize, n: usize, k: usize, tb: bool, ta: bool) -> f64 {
    let a = vec![0.5f32; m * k];
    let b = vec![0.5f32; n * k];
    let mut c = vec![0f32; m * n];
    let mut best = f64::MAX;
    let (ars, acs) = if ta { (1, m as isize) } else { (k as isize, 1) };
    let (brs, bcs) = if tb { (1, k as isize) } else { (n as isize, 1) };
    let reps = (2e9 / (2.0 * (m * n * k) as f64)).max(3.0) as usize;
    for _ in 0..reps {
        let t = std::time::Instant::now();
        unsafe {
            gemm::gemm(m, n, k, c.as_mut_ptr(), 1, n as isize, false, a.as_ptr(), acs, ars, b.as_ptr(), bcs, brs, 0f32, 1f32, false, false, false, gemm::Parallelism::Rayon(0));
        }
        best = best.min(t.elapsed().as_secs_f64());
    }
    2.0 * (m * n * k) as f64 / best / 1e9
}

fn main() -> autoencoders::Result<()> {
    if std::env::args().count() == 1 { for (m, n, k) in [(1024, 1024, 1024)] {
        println!("{m}x{n}x{k}: {:.0} tb {:.0} ta {:.0}", gf(m, n, k, false, false), gf(m, n, k, true, false), gf(m, n, k, false, true));
    } }
    let only = std::env::args().nth(1).unwrap_or_default();
    for training in case::trainings().iter().filter(|t| t.name.contains(&only)) {
        let batch = training.config.batch;
        let steps = (3e9 / (training.products[0] * batch * 6) as f64).clamp(8.0, 2000.0) as usize;
        let data = ours::dataset(training, ours::rows(batch * (steps + 5).min(64), training.features, training.table))?;
        let t: Vec<f64> = (0..10).map(|_| ours::train(training, &data, 3, steps)).collect::<Result<_, _>>()?;
        let flops = (6 * training.products[0] - 2 * training.products[1]) * batch;
        let best = t.iter().copied().fold(f64::MAX, f64::min);
        println!("{}: {:.3} ms, {:.0} GFLOP/s", training.name, best, flops as f64 / best / 1e6);
    }
    Ok(())
}
