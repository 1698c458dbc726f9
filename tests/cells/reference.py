"""Each cell in plain NumPy, one text and one step at a time, written from the papers' equations.

Shares nothing with the zoo but the order of the weights that a cell returns.
"""

import numpy as np


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x))))


def columns(matrix, count):
    """The gates of a weight that holds several, side by side."""
    width = matrix.shape[-1] // count
    return [matrix[..., k * width : (k + 1) * width] for k in range(count)]


def simple(x, states, weights):
    (h,) = states
    w, u, b = weights
    h = np.tanh(x @ w + h @ u + b)
    return h, [h]


def lstm(x, states, weights):
    h, c = states
    w, u, b = (columns(part, 4) for part in weights)
    i = sigmoid(x @ w[0] + h @ u[0] + b[0])
    f = sigmoid(x @ w[1] + h @ u[1] + b[1])
    g = np.tanh(x @ w[2] + h @ u[2] + b[2])
    o = sigmoid(x @ w[3] + h @ u[3] + b[3])
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, [h, c]


def peephole_lstm(x, states, weights):
    h, c = states
    w, u, b = (columns(part, 4) for part in weights[:3])
    p_i, p_f, p_o = weights[3]
    i = sigmoid(x @ w[0] + h @ u[0] + p_i * c + b[0])
    f = sigmoid(x @ w[1] + h @ u[1] + p_f * c + b[1])
    new = f * c + i * np.tanh(x @ w[2] + h @ u[2] + b[2])
    o = sigmoid(x @ w[3] + h @ u[3] + p_o * new + b[3])
    h = o * np.tanh(new)
    return h, [h, new]


def full_peephole_lstm(x, states, weights, output_peephole="new"):
    h, c = states
    w, u, b = (columns(part, 4) for part in weights[:3])
    v_i, v_f, v_o = columns(weights[3], 3)
    i = sigmoid(x @ w[0] + h @ u[0] + c @ v_i + b[0])
    f = sigmoid(x @ w[1] + h @ u[1] + c @ v_f + b[1])
    new = f * c + i * np.tanh(x @ w[2] + h @ u[2] + b[2])
    seen = {"new": new, "previous": c}[output_peephole]
    o = sigmoid(x @ w[3] + h @ u[3] + seen @ v_o + b[3])
    h = o * np.tanh(new)
    return h, [h, new]


def gru(x, states, weights):
    (h,) = states
    w, u, b = (columns(part, 3) for part in weights[:3])
    d = weights[3]
    z = sigmoid(x @ w[0] + h @ u[0] + b[0])
    r = sigmoid(x @ w[1] + h @ u[1] + b[1])
    g = np.tanh(x @ w[2] + r * (h @ u[2] + d) + b[2])
    h = z * h + (1 - z) * g
    return h, [h]


def reset_before_gru(x, states, weights):
    (h,) = states
    w, u, b = (columns(part, 3) for part in weights)
    z = sigmoid(x @ w[0] + h @ u[0] + b[0])
    r = sigmoid(x @ w[1] + h @ u[1] + b[1])
    g = np.tanh(x @ w[2] + (r * h) @ u[2] + b[2])
    h = z * h + (1 - z) * g
    return h, [h]


def scan(cell, x, mask, states, weights, go_backwards=False):
    """One text: x [time, features], mask [time]; all outputs in the order of computing, states.

    The output of a step that is skipped is the last one again, zeros before the first.
    """
    output = None
    outputs = []
    steps = range(len(x))
    for t in reversed(steps) if go_backwards else steps:
        if mask[t]:
            output, states = cell(x[t], states, weights)
        outputs.append(output)
    width = next((len(o) for o in outputs if o is not None), None)
    return outputs if width is None else [
        np.zeros(width) if o is None else o for o in outputs
    ], states


def coupled_lstm(x, states, weights):
    h, c = states
    w, u, b = (columns(part, 3) for part in weights)
    f = sigmoid(x @ w[0] + h @ u[0] + b[0])
    g = np.tanh(x @ w[1] + h @ u[1] + b[1])
    o = sigmoid(x @ w[2] + h @ u[2] + b[2])
    c = f * c + (1 - f) * g
    h = o * np.tanh(c)
    return h, [h, c]


def diagonal_lstm(x, states, weights):
    h, c = states
    w, b = columns(weights[0], 4), columns(weights[2], 4)
    u = weights[1]
    i, f, g, o = (x @ w[k] + u[k] * h + b[k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def projected_lstm(x, states, weights):
    r, c = states
    (h, (_, c)) = lstm(x, [r, c], weights[:3])
    r = h @ weights[3]
    return r, [r, c]


def layer_norm_lstm(x, states, weights):
    h, c = states
    w, u, b = (columns(part, 4) for part in weights[:3])
    gates = []
    for k in range(4):
        z = x @ w[k] + h @ u[k]
        z = (z - z.mean()) / np.sqrt(z.var() + 1e-8)
        gates.append(weights[3][k] * z + b[k])
    i, f, g, o = gates
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]
