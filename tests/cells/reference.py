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
    h = (1 - z) * h + z * g
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
    w, u, b = (columns(part, 3) for part in weights[:3])
    p_f, p_o = weights[3] if len(weights) > 3 else (0.0, 0.0)
    f = sigmoid(x @ w[0] + h @ u[0] + p_f * c + b[0])
    g = np.tanh(x @ w[1] + h @ u[1] + b[1])
    c = f * c + (1 - f) * g
    o = sigmoid(x @ w[2] + h @ u[2] + p_o * c + b[2])
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


def gate_norm_lstm(x, states, weights):
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


def linear(z):
    return z


def greff(x, states, weights, *, without="", squash_in=np.tanh, squash_out=np.tanh):
    """The peephole LSTM, a gate of `without` being 1 all the time, or with other activations."""
    h, c = states
    there = [gate for gate in "ifgo" if gate not in without]
    w, u, b = (dict(zip(there, columns(part, len(there)), strict=True)) for part in weights[:3])
    p = dict(zip([gate for gate in there if gate != "g"], weights[3], strict=True))

    def gate(name, seen):
        if name in without:
            return 1.0
        return sigmoid(x @ w[name] + h @ u[name] + p[name] * seen + b[name])

    new = gate("f", c) * c + gate("i", c) * squash_in(x @ w["g"] + h @ u["g"] + b["g"])
    h = gate("o", new) * squash_out(new)
    return h, [h, new]


def full_gate_recurrent_lstm(x, states, weights):
    h, c, i, f, o = states
    w, u, b = (columns(part, 4) for part in weights[:3])
    (p_i, p_f, p_o), r = weights[3], weights[4]
    n = len(h)
    into = {
        to: sum(
            gate @ r[a * n : (a + 1) * n, k * n : (k + 1) * n] for a, gate in enumerate((i, f, o))
        )
        for k, to in enumerate("ifo")
    }
    i = sigmoid(x @ w[0] + h @ u[0] + p_i * c + into["i"] + b[0])
    f = sigmoid(x @ w[1] + h @ u[1] + p_f * c + into["f"] + b[1])
    c = f * c + i * np.tanh(x @ w[2] + h @ u[2] + b[2])
    o = sigmoid(x @ w[3] + h @ u[3] + p_o * c + into["o"] + b[3])
    h = o * np.tanh(c)
    return h, [h, c, i, f, o]


def normalized(z, gain, shift, epsilon):
    return gain * (z - z.mean()) / np.sqrt(z.var() + epsilon) + shift


def layer_norm_lstm(x, states, weights):
    h, c = states
    w, u, b, *norms = weights
    z = normalized(x @ w, *norms[:2], 1e-3) + normalized(h @ u, *norms[2:4], 1e-3) + b
    i, f, g, o = columns(z, 4)
    c = normalized(sigmoid(f) * c + sigmoid(i) * np.tanh(g), *norms[4:], 1e-3)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def layer_norm_simple(x, states, weights):
    (h,) = states
    w, u, b, gain = weights
    h = np.tanh(normalized(x @ w + h @ u, gain, b, 1e-5))
    return h, [h]


def mgu(x, states, weights):
    (h,) = states
    w, u, b = (columns(part, 2) for part in weights)
    f = sigmoid(x @ w[0] + h @ u[0] + b[0])
    g = np.tanh(x @ w[1] + (f * h) @ u[1] + b[1])
    h = (1 - f) * h + f * g
    return h, [h]


def ugrnn(x, states, weights):
    (h,) = states
    w, u, b = (columns(part, 2) for part in weights)
    f = sigmoid(x @ w[0] + h @ u[0] + b[0])
    h = f * h + (1 - f) * np.tanh(x @ w[1] + h @ u[1] + b[1])
    return h, [h]


def janet(x, states, weights):
    (h,) = states
    w, u, b = (columns(part, 2) for part in weights)
    s = x @ w[0] + h @ u[0] + b[0]
    h = sigmoid(s) * h + (1 - sigmoid(s - 1)) * np.tanh(x @ w[1] + h @ u[1] + b[1])
    return h, [h]


def light_gru(x, states, weights):
    (h,) = states
    w, u, gain, shift = weights
    (a_z, a_g), u = columns(normalized(x @ w, gain, shift, 1e-5), 2), columns(u, 2)
    z = sigmoid(a_z + h @ u[0])
    h = z * h + (1 - z) * np.maximum(a_g + h @ u[1], 0)
    return h, [h]


def indrnn(x, states, weights):
    (h,) = states
    w, u, b = weights
    h = np.maximum(x @ w + u[0] * h + b, 0)
    return h, [h]


def sru(x, states, weights):
    (c,) = states
    w, (v_f, v_r), b = weights
    n = len(c)
    b_f, b_r = columns(b, 2)
    if len(x) == n:
        (w_c, w_f, w_r), way = columns(w, 3), x
    else:
        w_c, w_f, w_r, w_h = columns(w, 4)
        way = x @ w_h
    f = sigmoid(x @ w_f + v_f * c + b_f)
    r = sigmoid(x @ w_r + v_r * c + b_r)
    c = f * c + (1 - f) * (x @ w_c)
    return r * c + (1 - r) * way * np.sqrt(3), [c]


def qrnn(x, states, weights):
    c, before = states
    w, v, b = weights
    g, f, o = columns(x @ w + before + b, 3)
    c = sigmoid(f) * c + (1 - sigmoid(f)) * np.tanh(g)
    return sigmoid(o) * c, [c, x @ v]


def min_gru(x, states, weights):
    (h,) = states
    w, b = (columns(part, 2) for part in weights)
    z = sigmoid(x @ w[0] + b[0])
    h = (1 - z) * h + z * (x @ w[1] + b[1])
    return h, [h]


def min_lstm(x, states, weights):
    (h,) = states
    w, b = (columns(part, 3) for part in weights)
    f, i = (sigmoid(x @ w[k] + b[k]) for k in range(2))
    h = f / (f + i) * h + i / (f + i) * (x @ w[2] + b[2])
    return h, [h]


def nas(x, states, weights):
    h, c = states
    u, w = (columns(part, 8) for part in weights)
    x, h = [x @ part for part in w], [h @ part for part in u]
    one = np.tanh(sigmoid(x[0] + h[0]) * np.maximum(x[1] + h[1], 0))
    two = np.tanh(sigmoid(x[2] + h[2]) + np.maximum(x[3] * h[3], 0))
    three = np.tanh(np.tanh(x[4] + h[4]) * sigmoid(x[5] + h[5]))
    four = sigmoid(np.tanh(x[6] + h[6]) + sigmoid(x[7] + h[7]))
    c = np.tanh(one + c) * two
    h = np.tanh(c * np.tanh(three + four))
    return h, [h, c]


def echo_state(x, states, weights, leaky=1.0):
    (h,) = states
    u, w, b = weights
    h = (1 - leaky) * h + leaky * np.tanh(x @ w + h @ u + b)
    return h, [h]
