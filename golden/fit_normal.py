"""The polynomial behind the normal distribution function in single precision (crates/kernels/src/pieces.rs).

For u >= 0, Phi(-u) = exp(-u^2 / 2) q(u) with q(u) = erfcx(u / sqrt 2) / 2. With t = 1 / (1 + 0.3 u), q(u) / t is nearly a polynomial
in t; this fits one of degree 9 with the smallest relative error in the Chebyshev sense and prints it, the constant first.
"""

import numpy as np
from numpy.polynomial import Polynomial, chebyshev
from scipy.special import erfcx

SLOPE, DEGREE, LAST = 0.3, 9, 14.5
low = 1 / (1 + SLOPE * LAST)
nodes = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
t = (nodes + 1) / 2 * (1 - low) + low
u = (1 / t - 1) / SLOPE
q = 0.5 * erfcx(u / np.sqrt(2)) / t
fit = chebyshev.cheb2poly(chebyshev.chebfit(nodes, q, DEGREE, w=1 / q))
polynomial = Polynomial(fit)(Polynomial([-(1 + low) / (1 - low), 2 / (1 - low)]))
print([float(c) for c in polynomial.coef])
print("relative error", np.abs(polynomial(t) / q - 1).max())
