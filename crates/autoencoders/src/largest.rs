//! The largest numbers of each row or column of a matrix, as a matrix of ones and zeros to multiply
//! with.

use burn::tensor::{Element, Tensor, TensorData};
use rows::{Error, Result};

/// One where a number is among the `k` largest of its row, else zero; of equal numbers the first.
pub(crate) fn in_rows(x: &Tensor<2>, k: usize) -> Result<Tensor<2>> {
    let [rows, columns] = x.dims();
    let values = numbers(x.clone())?;
    let mut kept = vec![0f32; values.len()];
    let mut order = Vec::with_capacity(columns);
    for (values, kept) in
        values.chunks_exact(columns.max(1)).zip(kept.chunks_exact_mut(columns.max(1)))
    {
        first_largest(values, k, &mut order);
        order.iter().for_each(|at| kept[*at] = 1.0);
    }
    Ok(matrix(kept, [rows, columns], x))
}

/// The same for columns, and the smallest number that is kept of each [1, columns].
pub(crate) fn in_columns(x: &Tensor<2>, k: usize) -> Result<(Tensor<2>, Tensor<2>)> {
    let [rows, columns] = x.dims();
    // As rows, which lie together in memory.
    let values = numbers(x.clone().transpose())?;
    let (mut kept, mut lowest) = (vec![0f32; values.len()], Vec::with_capacity(columns));
    let mut order = Vec::with_capacity(rows);
    for (column, values) in values.chunks_exact(rows.max(1)).enumerate() {
        first_largest(values, k, &mut order);
        order.iter().for_each(|row| kept[row * columns + column] = 1.0);
        lowest.push(order.iter().map(|row| values[*row]).fold(f64::INFINITY, f64::min));
    }
    Ok((matrix(kept, [rows, columns], x), matrix(lowest, [1, columns], x)))
}

/// The places of the `k` largest numbers, in no order.
fn first_largest(values: &[f64], k: usize, order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..values.len());
    if k < values.len() {
        order.select_nth_unstable_by(k, |a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        order.truncate(k);
    }
}

/// In double precision, which both holds.
fn numbers(x: Tensor<2>) -> Result<Vec<f64>> {
    let data = x.inner().into_data().convert::<f64>();
    data.try_into_vec::<f64>()
        .map_err(|error| Error::shape("code", format!("{error:?}"), "numbers"))
}

fn matrix<E: Element>(values: Vec<E>, shape: [usize; 2], like: &Tensor<2>) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&like.device().inner(), like.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn exactly_so_many_are_kept_also_of_equal_numbers() {
        let x = Tensor::<2>::from_data(
            TensorData::new(vec![1f32, 3.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0], [2, 4]),
            &Device::default(),
        );
        assert_eq!(
            read(in_rows(&x, 2).unwrap()).unwrap(),
            [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
        );
        assert_eq!(read(in_rows(&x, 9).unwrap()).unwrap(), [1.0; 8]);
        let (kept, lowest) = in_columns(&x, 1).unwrap();
        assert_eq!(read(kept).unwrap(), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(read(lowest).unwrap(), [1.0, 3.0, 2.0, 3.0]);
    }
}
