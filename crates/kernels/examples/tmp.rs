use autoencoders_kernels::*;
use burn::tensor::*;
use std::time::Instant;
fn t(r: usize, c: usize) -> Tensor<2> { Tensor::from_data(TensorData::new(vec![0.5f32; r*c], [r, c]), &Device::default()) }
fn main() {
    let mode = std::env::args().nth(1).unwrap();
    let run = || for (m,k,n) in [(512,784,512),(512,512,256),(512,256,64),(128,784,512),(1024,1024,1024),(32,784,512),(1,784,512)] {
        let (x,w,b)=(t(m,k),t(k,n),t(1,n)); let a=arrange(w.clone(),false);
        let mut best=[f64::MAX;3];
        for _ in 0..100 { 
            let s=Instant::now(); drop(dense_arranged(x.clone(),a.clone(),b.clone(),Activation::Relu)); best[0]=best[0].min(s.elapsed().as_secs_f64());
            let s=Instant::now(); drop(dense(x.clone(),w.clone(),b.clone(),false,Activation::Relu)); best[1]=best[1].min(s.elapsed().as_secs_f64());
            let wt=w.clone();
            let s=Instant::now(); drop(dense(x.clone(),wt,b.clone(),false,Activation::Identity)); best[2]=best[2].min(s.elapsed().as_secs_f64());
        }
        println!("{m} {k} {n}: arranged {:.0} dense {:.0} identity {:.0} GFLOP/s; {:.1} us", 2.0*(m*k*n) as f64/best[0]/1e9, 2.0*(m*k*n) as f64/best[1]/1e9, 2.0*(m*k*n) as f64/best[2]/1e9, best[0]*1e6);
    };
    if mode=="1" { side_by_side(2, |i| if i==0 {run()}); } else { among_workers(run) }
}
