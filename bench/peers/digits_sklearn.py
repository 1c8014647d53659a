"""The whole process: 50 epochs of 64-32-8-32-64 on the digits by scikit-learn's MLPRegressor, then the test error.

Argument: the digits as npy.
"""

import sys
import warnings

import numpy as np
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
x = np.load(sys.argv[1]) / np.float32(16)
train, test = x[360:], x[:180]
model = MLPRegressor(hidden_layer_sizes=(32, 8, 32), batch_size=64, max_iter=50, tol=0, n_iter_no_change=99, random_state=0)
model.fit(train, train)
print(((model.predict(test) - test) ** 2).mean())
