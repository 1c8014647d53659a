"""The whole process: 50 epochs of 64-32-8-32-64 on the digits by scikit-learn's MLPRegressor, then the test error."""

import warnings

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
x = load_digits().data / 16
train, test = x[180:], x[:180]
model = MLPRegressor((32, 8, 32), batch_size=64, max_iter=50, tol=0, n_iter_no_change=1000, random_state=0)
model.fit(train, train)
print(((model.predict(test) - test) ** 2).mean())
