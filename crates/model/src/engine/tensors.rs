//! Between rows of numbers and tensors.

use burn_tensor::{Device, Tensor, TensorData};
use rows::{Error, Matrix, Result};

/// Some rows of a matrix as a tensor [rows, columns]; their numbers must be in range.
pub fn tensor_of(matrix: &Matrix, rows: impl ExactSizeIterator<Item = usize>) -> Tensor<2> {
    let shape = [rows.len(), matrix.columns];
    // Not row by row into a vector that grows: a batch of all rows would take twice its size.
    let values = rows.map(|row| matrix.row(row)).collect::<Vec<_>>().concat();
    Tensor::from_data(TensorData::new(values, shape), &Device::default())
}

/// The numbers of a tensor in row order.
pub fn read(tensor: Tensor<2>) -> Result<Vec<f32>> {
    let values = tensor.into_data().convert::<f32>().try_into_vec::<f32>();
    values.map_err(|error| Error::shape("result", format!("{error:?}"), "numbers"))
}
