//! Between rows of numbers and tensors.

use burn_tensor::{DType, Device, Tensor, TensorData};
use rows::{Error, Matrix, Result};

/// Where tensors live, and how exact their numbers are.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// The processor.
    pub device: Device,
    /// `F32`, or `F64` for checks of gradients.
    pub dtype: DType,
}

impl Default for Engine {
    fn default() -> Self {
        Self { device: Device::default(), dtype: DType::F32 }
    }
}

impl Engine {
    /// The engine of a tensor, without its gradients.
    pub fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        Self { device: tensor.device().inner(), dtype: tensor.dtype() }
    }

    /// Numbers in row order as a tensor of this shape, of as many numbers.
    pub fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&self.device, self.dtype))
    }

    /// Some rows of a matrix as a tensor [rows, columns]; their numbers must be in range.
    pub fn rows(&self, matrix: &Matrix, rows: impl ExactSizeIterator<Item = usize>) -> Tensor<2> {
        let shape = [rows.len(), matrix.columns];
        // Not row by row into a vector that grows: a batch of all rows would take twice its size.
        let values = rows.map(|row| matrix.row(row)).collect::<Vec<_>>().concat();
        self.tensor(values, shape)
    }

    /// Zeros of this shape.
    pub fn zeros<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        Tensor::zeros(shape, (&self.device, self.dtype))
    }
}

/// The numbers of a tensor in row order.
pub fn read(tensor: Tensor<2>) -> Result<Vec<f32>> {
    let values = tensor.into_data().convert::<f32>().try_into_vec::<f32>();
    values.map_err(|error| Error::shape("result", format!("{error:?}"), "numbers"))
}
