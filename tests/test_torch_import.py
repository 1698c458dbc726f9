"""PyTorch classifiers become zoo models with the same logits."""

import json
import re

import keras
import numpy as np
import pytest

import zoo
from tests.cells import reference
from zoo import bundle
from zoo.__main__ import main
from zoo.torch_import import import_bundle, import_torch
from zoo.torch_readout import Readout, TorchImportError
from zoo.torch_state import read_state_dict
from zoo.vocabulary_files import read_vocabulary
from zoo.wordpiece import WordPieceTokenizer

VOCAB = "<pad>\n<unk>\n" + "\n".join("abcdefghij")
IDS = np.array([[5, 3, 9, 1, 7, 2], [4, 4, 8, 0, 0, 0], [6, 0, 0, 0, 0, 0]], np.int32)


def state_dict(kind="lstm", *, layers=1, ways=2, projection=0, width=3, units=4, seed=0):
    """Random weights under PyTorch's names."""
    rng = np.random.default_rng(seed)
    rows = {"lstm": 4, "gru": 3, "rnn": 1}[kind] * units
    outputs = projection or units
    shapes = {"embedding.weight": (12, width)}
    for layer in range(layers):
        for end in (f"_l{layer}", f"_l{layer}_reverse")[:ways]:
            shapes[f"{kind}.weight_ih{end}"] = (rows, width if layer == 0 else outputs * ways)
            shapes[f"{kind}.weight_hh{end}"] = (rows, outputs)
            shapes[f"{kind}.bias_ih{end}"] = shapes[f"{kind}.bias_hh{end}"] = (rows,)
            if projection:
                shapes[f"{kind}.weight_hr{end}"] = (projection, units)
    shapes |= {"fc.weight": (2, outputs * ways), "fc.bias": (2,)}
    return {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def pytorch_step(kind, x, states, w, u, b, d, projection=None):
    """A step as PyTorch's documentation has it, the gates i f g o, or r z n."""
    r = u @ states[0] + d
    if kind == "rnn":
        h = np.tanh(w @ x + b + r)
        return h, [h]
    if kind == "gru":
        (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(w @ x + b, 3), np.split(r, 3)
        z = reference.sigmoid(a_z + u_z)
        n = np.tanh(a_n + reference.sigmoid(a_r + u_r) * u_n)
        h = (1 - z) * n + z * states[0]
        return h, [h]
    i, f, g, o = np.split(w @ x + b + r, 4)
    c = reference.sigmoid(f) * states[1] + reference.sigmoid(i) * np.tanh(g)
    h = reference.sigmoid(o) * np.tanh(c)
    if projection is not None:
        h = projection @ h
    return h, [h, c]


def numpy_logits(weights, kind, layers, ways, units):
    rows = []
    for ids in IDS:
        x = list(weights["embedding.weight"][ids[: np.count_nonzero(ids)]])
        for layer in range(layers):
            both = []
            for way, end in enumerate((f"_l{layer}", f"_l{layer}_reverse")[:ways]):
                named = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                part = [weights[f"{kind}.{name}{end}"] for name in named]
                projection = weights.get(f"{kind}.weight_hr{end}")
                states = [np.zeros(part[1].shape[1]), np.zeros(units)]
                outputs = []
                for step in x[::-1] if way else x:
                    h, states = pytorch_step(kind, step, states, *part, projection)
                    outputs.append(h)
                last = outputs[-1]
                both.append((outputs[::-1] if way else outputs, last))
            x = [np.concatenate(steps) for steps in zip(*(steps for steps, _ in both), strict=True)]
        features = np.concatenate([last for _, last in both])
        rows.append(weights["fc.weight"] @ features + weights["fc.bias"])
    return np.array(rows)


CASES = [
    ("lstm", 2, 2, 0),
    ("lstm", 1, 1, 0),
    ("lstm", 2, 2, 3),
    ("gru", 2, 2, 0),
    ("gru", 1, 1, 0),
    ("rnn", 2, 1, 0),
]


@pytest.mark.parametrize(("kind", "layers", "ways", "projection"), CASES)
def test_logits_are_those_of_the_equations(kind, layers, ways, projection):
    weights = state_dict(kind, layers=layers, ways=ways, projection=projection)
    model = import_torch(weights, pooling="last")
    expected = numpy_logits(weights, kind, layers, ways, 4)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(IDS)), expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "layers", "ways", "projection"), [*CASES, ("lstm", 3, 2, 0)])
@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_logits_are_those_of_pytorch(kind, layers, ways, projection, ending, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(40, 24, padding_idx=0)
            module = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
            options = {"proj_size": projection} if projection else {}
            self.encoder = module(
                24, 16, layers, batch_first=True, bidirectional=ways == 2, dropout=0.3, **options
            )
            self.dropout = nn.Dropout(0.5)
            self.out = nn.Linear((projection or 16) * ways, 3)

        def forward(self, ids):
            lengths = (ids != 0).sum(1)
            packed = nn.utils.rnn.pack_padded_sequence(
                self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
            )
            _, last = self.encoder(packed)
            hidden = last[0] if kind == "lstm" else last
            return self.out(self.dropout(torch.cat(list(hidden[-ways:]), dim=1)))

    torch.manual_seed(0)
    model = Classifier().eval()
    path = tmp_path / f"model{ending}"
    if ending == ".pt":
        torch.save(model.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(model.state_dict(), path)
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 40, (20, 30))
    ids[np.arange(30) >= rng.integers(1, 31, 20)[:, None]] = 0
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)).numpy()
    model = import_torch(read_state_dict(path), pooling="last")
    got = keras.ops.convert_to_numpy(model(ids.astype("int32")))
    np.testing.assert_allclose(got, expected, atol=1e-5)


def write(folder, weights, vocab=VOCAB, labels="no\nyes\n"):
    from safetensors.numpy import save_file

    paths = [folder / name for name in ("model.safetensors", "vocab.txt", "labels.txt")]
    save_file(weights, paths[0])
    paths[1].write_text(vocab, encoding="utf-8")
    paths[2].write_text(labels, encoding="utf-8")
    return paths


def call(folder, paths, *more):
    model, vocab, labels = map(str, paths)
    output = str(folder / "run")
    arguments = ["--vocab", vocab, "--labels", labels, "--output", output, "--max-length", "9"]
    return main(["import", model, *arguments, *more])


def test_the_command_makes_a_run_that_answers_and_exports(tmp_path, capsys):
    weights = state_dict("gru", layers=2)
    assert call(tmp_path, write(tmp_path, weights)) == 0
    assert "bigru" in capsys.readouterr().out
    classifier = zoo.load(tmp_path / "run")
    (answer,) = classifier.predict(["d b h unheard f a"])
    ids = np.array([[5, 3, 9, 1, 7, 2]], np.int32)  # a is 2, and 1 is unknown
    logits = keras.ops.convert_to_numpy(import_torch(weights, pooling="last")(ids))[0]
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose([answer.scores["no"], answer.scores["yes"]], expected, atol=1e-5)
    assert call(tmp_path, write(tmp_path, weights)) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.slow
def test_an_imported_relu_exports(tmp_path):
    from export.__main__ import main as export

    paths = write(tmp_path, state_dict("rnn"))
    assert call(tmp_path, paths, "--activation", "relu", "--pooling", "mean") == 0
    assert export([str(tmp_path / "run"), "--precision", "float32"]) == 0
    texts = ["d b h", "", "unheard f a"]
    files = list((tmp_path / "run" / "export").glob("*.tflite"))
    assert files
    for file in files:
        expected = zoo.load(tmp_path / "run").scores(texts)
        np.testing.assert_allclose(zoo.load(file).scores(texts), expected, atol=1e-5)


@pytest.mark.slow
def test_an_imported_run_exports(tmp_path):
    from export.__main__ import main as export

    assert call(tmp_path, write(tmp_path, state_dict("lstm", ways=1, projection=2))) == 0
    assert export([str(tmp_path / "run"), "--precision", "float32"]) == 0
    run, file = (
        zoo.load(tmp_path / "run"),
        tmp_path / "run/export/projected-lstm-fused-float32.tflite",
    )
    texts = ["d b h", "", "unheard f a"]
    np.testing.assert_allclose(zoo.load(file).scores(texts), run.scores(texts), atol=1e-5)


def changed(**changes):
    weights = state_dict()
    for name, value in changes.items():
        name = name.replace("__", ".")
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (changed(lstm__weight_hh_l0=None), r"lacks lstm\.weight_hh_l0\."),
        (changed(lstm__bias_hh_l0_reverse=None), r"lacks lstm\.bias_hh_l0_reverse"),
        (changed(lstm__weight_ih_l1=np.ones((16, 8), "f")), r"lacks .*lstm\.weight_ih_l1_reverse"),
        (changed(lstm__bias_ih_l0=np.ones(8, "f")), r"bias_ih_l0 is \[8\], not \[16\]"),
        (changed(lstm__weight_ih_l0=np.ones((20, 3), "f")), r"20 rows for 4 units"),
        (changed(gru__weight_ih_l0=np.ones((12, 3), "f")), "several recurrent modules, gru, lstm"),
        (changed(fc__weight=None), r"linear layers from \[outputs, 8\]"),
        (changed(embedding__weight=None), r"one embedding \[ids, 3\]"),
        (changed(conv__bias=np.ones(3, "f")), r"Unknown keys: conv\.bias"),
        (changed(fc__bias=np.ones(2, "i")), r"fc\.bias holds int32"),
        ({"fc.weight": np.ones((2, 3), "f")}, r"this one has none\. Its keys: fc\.weight \[2, 3\]"),
    ],
)
def test_wrong_keys_are_named(weights, message):
    with pytest.raises(TorchImportError, match=message):
        import_torch(weights)


@pytest.mark.parametrize(
    ("vocab", "labels", "message"),
    [
        ("<pad>\na\n", "no\nyes\n", "<UNKNOWN>"),
        ("<pad>\n<unk>\n" + "\n".join(f"w{n}" for n in range(11)), "no\nyes\n", "12 rows"),
        ("<pad>\n<unk>\na\n", "no\nyes\nmaybe\n", "has 3 labels, and the model 2 classes"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, capsys, vocab, labels, message):
    assert call(tmp_path, write(tmp_path, state_dict(), vocab, labels)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_forms_of_a_vocabulary(tmp_path):
    expected = {"<PAD>": 0, "<UNKNOWN>": 1, "Good": 2, "bad": 3}
    forms = {
        "ids.txt": "<pad> 0\n<unk> 1\nGood 2\nbad 3\n",
        "tokens.txt": "<PAD>\n<UNK>\nGood\nbad",
        "ids.json": json.dumps({"<pad>": 0, "<unk>": 1, "Good": 2, "bad": 3}),
        "tokens.json": json.dumps(["[PAD]", "[UNK]", "Good", "bad"]),
    }
    for name, content in forms.items():
        (tmp_path / name).write_text(content)
        assert dict(read_vocabulary(tmp_path / name)) == expected, name


def test_case_is_folded_where_the_vocabulary_was(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("<pad>\n<unk>\ngood\n\u00e9t\u00e9\n")
    vocabulary = read_vocabulary(path)
    assert {vocabulary[form] for form in ("good", "Good", "GOOD")} == {2}
    assert vocabulary["\u00c9T\u00c9"] == 3
    path.write_text("<pad>\n<unk>\ngood\nMay\n")
    assert "Good" not in read_vocabulary(path)


def test_one_logit_for_a_sigmoid_becomes_two_classes():
    weights = state_dict()
    weights["fc.weight"], weights["fc.bias"] = weights["fc.weight"][:1], weights["fc.bias"][:1]
    logits = keras.ops.convert_to_numpy(import_torch(weights, pooling="last")(IDS))
    both = {
        **weights,
        "fc.weight": np.repeat(weights["fc.weight"], 2, 0),
        "fc.bias": np.repeat(weights["fc.bias"], 2),
    }
    expected = keras.ops.convert_to_numpy(import_torch(both, pooling="last")(IDS))[:, 1]
    np.testing.assert_array_equal(logits[:, 0], 0)
    np.testing.assert_allclose(logits[:, 1], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.txt", b"<pad> 0\n<unk> 1\na 2\na 3\n", "'a' occurs twice"),
        ("v.txt", b"<pad>\n<unk>\na\na\n", "'a' occurs twice"),
        ("v.txt", b"<pad> 0\n<unk> 1\n\na 2\n", "line 3: '' is not 'token id'"),
        ("v.txt", "<pad>\n<unk>\n\u00e9\n".encode("latin-1"), "not UTF-8"),
        ("v.json", b"{", "is not JSON"),
        ("v.json", b'["<pad>", "<unk>", 5]', "or a list of tokens"),
        ("v.json", b'{"<pad>": 0, "<unk>": true}', "or a list of tokens"),
    ],
)
def test_odd_vocabularies_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_vocabulary(tmp_path / name)


def test_windows_files_and_blank_ends_are_read(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf<pad>\t0\r\n<unk>\t1\r\nIt\t2\r\n\r\n")
    assert dict(read_vocabulary(tmp_path / "v.txt")) == {"<PAD>": 0, "<UNKNOWN>": 1, "It": 2}


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"fc.weight": Bomb()}, tmp_path / "model.pt")
    with pytest.raises(TorchImportError, match="more than weights"):
        read_state_dict(tmp_path / "model.pt")
    assert not (tmp_path / "ran").exists()
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(TorchImportError, match="no state dict"):
        read_state_dict(tmp_path / "list.pt")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"nothing", "not a valid .safetensors"),
        ("model.onnx", b"", r"is a \.pt, \.pth, \.ckpt or \.safetensors"),
        ("missing.pt", None, "There is no file"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TorchImportError, match=message):
        read_state_dict(tmp_path / name)


def test_tokens_that_a_device_never_makes_are_told(tmp_path):
    words = ["<pad>", "<unk>", "it's", "well-known", "e.g.", "(", "fine", *"abcde"]
    files = files_of(tmp_path, state_dict(), "\n".join(words), "no\nyes\n")
    imported = import_bundle(tmp_path / "model.safetensors", **files)
    assert re.search(r"\d of \d+ tokens, like 'well-known'", "\n".join(imported.assumed))


def test_a_vocabulary_of_word_pieces_becomes_bert_tokens(torch_model, tmp_path):
    """Of a model that was trained on the ids of a BERT tokenizer."""
    model, files = torch_model("lstm", "last")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "play", "##ing", "##s", "game", "un", "!", "Cat"]
    files["vocab"].write_text("\n".join(pieces) + "\n")
    imported = import_bundle(tmp_path / "model.safetensors", max_length=9, **files)
    bundle = imported.bundle
    assert isinstance(bundle.tokenizer, WordPieceTokenizer)
    text, ids = "Playing games!", [2, 4, 5, 7, 6, 9, 3]
    assert bundle.tokenizer.encode([text])[0].tolist() == [*ids, 0, 0]
    expected = softmax_of(model.logits(ids))
    np.testing.assert_allclose(bundle.classifier().scores([text])[0], expected, atol=1e-5)
    said = "\n".join(imported.assumed)
    assert "every text begins with [CLS], id 2, and ends with [SEP], id 3" in said
    assert "1 of 11 pieces, like 'Cat', never occur on a device" in said
    assert "splits texts at all but letters" not in said
    bundle.save(tmp_path / "run")
    again = zoo.load(tmp_path / "run")
    np.testing.assert_allclose(again.scores([text])[0], expected, atol=1e-5)


def test_word_pieces_that_do_not_fit_are_refused(tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"w{number}" for number in range(30))]
    files = files_of(tmp_path, state_dict(), "\n".join(pieces), "no\nyes\n")
    with pytest.raises(TorchImportError, match="34 pieces, but the embedding has 12 rows"):
        import_bundle(tmp_path / "model.safetensors", **files)
    files["vocab"].write_text("\n".join(["[UNK]", "[PAD]", *pieces[2:6]]))
    with pytest.raises(ValueError, match=r"\[PAD\] has id 1"):
        import_bundle(tmp_path / "model.safetensors", **files)


def softmax_of(logits):
    exponents = np.exp(np.array(logits) - np.max(logits))
    return exponents / exponents.sum()


def files_of(folder, weights, vocab, labels):
    from safetensors.numpy import save_file

    save_file(weights, folder / "model.safetensors")
    (folder / "vocab.txt").write_text(vocab, encoding="utf-8")
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    return {"vocab": folder / "vocab.txt", "labels": folder / "labels.txt"}


class Torch:
    """A PyTorch classifier, and what it answers, for one kind of recurrent module and readout."""

    def __init__(self, kind, pooling, outputs=2, **options):
        import torch
        from torch import nn

        torch.manual_seed(1)
        self.torch, self.pooling = torch, pooling
        self.embedding = nn.Embedding(12, 5, padding_idx=0)
        module = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
        self.recurrent = module(5, 4, num_layers=2, bidirectional=True, batch_first=True, **options)
        self.head = nn.Linear(8, outputs)
        with torch.no_grad():
            for weight in (*self.embedding.parameters(), *self.recurrent.parameters()):
                weight.mul_(2)

    def state_dict(self):
        modules = {"emb": self.embedding, "rnn": self.recurrent, "head": self.head}
        return {
            f"{name}.{key}": value.detach().numpy().copy()
            for name, module in modules.items()
            for key, value in module.state_dict().items()
        }

    def logits(self, ids):
        """Of one text; its padding is read, too."""
        with self.torch.no_grad():
            outputs, state = self.recurrent(self.embedding(self.torch.tensor([ids])))
            h = state[0] if isinstance(state, tuple) else state
            features = {
                "last": lambda: self.torch.cat([h[-2], h[-1]], dim=1),
                "mean": lambda: outputs.mean(dim=1),
                "max": lambda: outputs.max(dim=1).values,
                "last-step": lambda: outputs[:, -1],
            }[self.pooling]()
            return self.head(features)[0].tolist()

    def answers(self, path, key="logits", form="ids", time=0):
        lines = []
        for ids in ([5, 3, 9, 1, 7, 2], [4, 4, 8], [6], [11, 10, 9, 8]):
            ids = ids + [0] * (time - len(ids))
            values = self.torch.tensor(self.logits(ids))
            if key == "scores":
                values = values.softmax(0) if len(values) > 1 else values.sigmoid()
            if key == "each":
                values = values.sigmoid()
            given = ids if form == "ids" else " ".join("abcdefghij"[number - 2] for number in ids)
            if form == "text" and 1 in ids:
                continue
            name = "scores" if key == "each" else key
            lines.append(json.dumps({form: given, name: values.tolist()}))
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


@pytest.fixture
def torch_model(tmp_path):
    pytest.importorskip("torch")

    def make(kind, pooling, **options):
        model = Torch(kind, pooling, **options)
        labels = "no\nyes\n" if options.get("outputs", 2) < 3 else "a\nb\nc\n"
        return model, files_of(tmp_path, model.state_dict(), VOCAB, labels)

    return make


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize(("key", "form"), [("logits", "ids"), ("scores", "text")])
def test_answers_of_pytorch_prove_an_import(torch_model, tmp_path, kind, pooling, key, form):
    model, files = torch_model(kind, pooling)
    found = import_bundle(
        tmp_path / "model.safetensors",
        **files,
        readout=Readout(pooling=pooling),
        check=model.answers(tmp_path / "answers.jsonl", key, form),
    )
    checked = found.bundle.config["imported"]["checked"]
    assert checked["texts"] >= 3 and 0 < checked["largest_difference"] < 1e-5
    assert checked["padding_seen"] == (form == "text")


@pytest.mark.parametrize(
    ("kind", "pooling", "options", "hint"),
    [
        ("lstm", "mean", {}, r"They agree with --pooling mean\.$"),
        ("gru", "max", {}, r"--pooling max\. A head that reads the maximum .* cannot be imported"),
        ("lstm", "last-step", {}, r"--pooling last-step\. A head that reads out\[:, -1\]"),
        ("rnn", "last", {"nonlinearity": "relu"}, r"They agree with --activation relu\.$"),
        ("rnn", "mean", {"nonlinearity": "relu"}, "--activation relu --pooling mean"),
    ],
)
def test_a_wrong_assumption_is_found_and_the_right_one_named(
    torch_model, tmp_path, kind, pooling, options, hint
):
    model, files = torch_model(kind, pooling, **options)
    answers = model.answers(tmp_path / "answers.jsonl")
    output = tmp_path / "run"
    arguments = [str(tmp_path / "model.safetensors"), "--output", str(output)]
    for name, path in files.items():
        arguments += [f"--{name}", str(path)]
    with pytest.raises(TorchImportError, match=rf"logits of line \d differ by \d.*{hint}"):
        import_bundle(tmp_path / "model.safetensors", **files, check=answers)
    assert main(["import", *arguments, "--check", str(answers)]) == 2
    assert not output.exists()


@pytest.mark.parametrize("pooling", ["last", "mean", "last-step"])
def test_padding_that_reaches_the_states_is_found(torch_model, tmp_path, pooling):
    model, files = torch_model("lstm", pooling)
    answers = model.answers(tmp_path / "answers.jsonl", time=9)
    flags = "" if pooling == "last" else f"--pooling {pooling} "
    with pytest.raises(TorchImportError, match=f"They agree with {flags}--no-packed"):
        import_bundle(tmp_path / "model.safetensors", **files, check=answers)


def test_padded_answers_of_a_packed_model_agree(torch_model, tmp_path):
    model, files = torch_model("gru", "last")
    answers = model.answers(tmp_path / "answers.jsonl")
    rows = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["ids"] += [0] * 4
    answers.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = import_bundle(tmp_path / "model.safetensors", **files, check=answers)
    assert found.bundle.config["imported"]["checked"]["padding_seen"]


def test_a_difference_is_told_in_the_unit_of_the_answers(torch_model, tmp_path):
    model, files = torch_model("lstm", "last")
    answers = model.answers(tmp_path / "answers.jsonl")
    first, *others = answers.read_text(encoding="utf-8").splitlines()
    row = json.loads(first)
    row["logits"][1] += 0.5
    answers.write_text("\n".join([json.dumps(row), *others]), encoding="utf-8")
    with pytest.raises(TorchImportError, match=r"line 1 differ by 0\.5, .*1 of 4.* No other"):
        import_bundle(tmp_path / "model.safetensors", **files, check=answers)


def test_a_text_that_is_cut_is_told(torch_model, tmp_path):
    model, files = torch_model("lstm", "last")
    answers = model.answers(tmp_path / "answers.jsonl", form="text")
    with pytest.raises(TorchImportError, match="more tokens than --max-length"):
        import_bundle(tmp_path / "model.safetensors", **files, check=answers, max_length=3)


def test_one_direction_has_the_same_last_step_and_last_state():
    weights = state_dict("gru", ways=1)
    logits = [import_torch(weights, pooling=one)(IDS) for one in ("last", "last-step")]
    np.testing.assert_array_equal(*logits)
    with pytest.raises(TorchImportError, match=r"out\[:, -1\]"):
        import_torch(weights, pooling="last-step", packed=False)


def test_an_unsaid_readout_is_said():
    with pytest.warns(UserWarning, match=r"Assumed: the head reads h_n, the last state.*pooling="):
        import_torch(state_dict())


def test_a_relu_and_one_logit_are_imported_as_they_are(torch_model, tmp_path):
    model, files = torch_model("rnn", "last", outputs=1, nonlinearity="relu")
    found = import_bundle(
        tmp_path / "model.safetensors",
        **files,
        readout=Readout(activation="relu"),
        check=model.answers(tmp_path / "answers.jsonl", "scores"),
    )
    assert found.bundle.config["imported"]["scores"] == "one"


def test_a_sigmoid_for_each_label_is_imported(torch_model, tmp_path):
    model, files = torch_model("lstm", "mean", outputs=3)
    answers = model.answers(tmp_path / "answers.jsonl", "each")
    given = {"readout": Readout("mean", scores="sigmoid"), "check": answers}
    found = import_bundle(tmp_path / "model.safetensors", **files, **given).bundle
    assert found.config["imported"]["checked"]["texts"] == 4
    assert found.kind.name == "sigmoid"
    found.save(tmp_path / "run")
    ids = np.array([[5, 3, 9, 1, 7, 2]], np.int32)
    expected = 1 / (1 + np.exp(-np.array(model.logits(ids[0].tolist()))))
    for one in (found, bundle.load(tmp_path / "run")):
        np.testing.assert_allclose(one.probabilities(ids)[0], expected, atol=1e-5)
    with pytest.raises(TorchImportError, match=r"add up to .* give --scores sigmoid"):
        import_bundle(
            tmp_path / "model.safetensors", **files, readout=Readout("mean"), check=answers
        )
    keras_model = import_torch(model.state_dict(), pooling="mean", scores="sigmoid")
    np.testing.assert_allclose(keras_model.predict(ids, verbose=0)[0], expected, atol=1e-5)


def test_what_was_assumed_is_said_and_kept(torch_model, tmp_path, capsys):
    _, files = torch_model("lstm", "last")
    arguments = ["import", str(tmp_path / "model.safetensors"), "--output", str(tmp_path / "run")]
    for name, path in files.items():
        arguments += [f"--{name}", str(path)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    for line in (
        "last state of each direction",
        "does not change the state",
        "softmax over 2",
        "NOT CHECKED",
    ):
        assert line in said
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert "last state of each direction" in card and "not checked" in card
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert config["imported"]["pooling"] == "last" and config["imported"]["checked"] is None


@pytest.mark.parametrize(
    ("readout", "message"),
    [
        ({"pooling": "max"}, "maximum over the steps cannot be imported"),
        ({"pooling": "last-step"}, r"out\[:, -1\]"),
        ({"packed": False}, "states read the padding"),
        ({"activation": "relu"}, "activation of an nn.LSTM is always tanh"),
        ({"scores": "one"}, "2 outputs, which does not fit"),
        ({"pooling": "median"}, "pooling must be one of last, mean, max, last-step"),
    ],
)
def test_what_cannot_be_computed_is_refused(readout, message):
    with pytest.raises(TorchImportError, match=message):
        import_torch(state_dict(), **readout)


@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        ("<pad> 0\n<unk> 1\nthe 7\na 7\nfilm 3", "'the' and 'a' both have the number 7.*counts"),
        ("<pad> 0\n<unk> 1\nthe 900", "embedding has 12 rows"),
        ("<pad> 0\n<unk> 1\nthe 0", "'<PAD>' and 'the' both have the number 0"),
    ],
)
def test_counts_are_no_ids(tmp_path, vocab, message):
    files = files_of(tmp_path, state_dict(), vocab, "no\nyes\n")
    with pytest.raises(TorchImportError, match=message):
        import_bundle(tmp_path / "model.safetensors", **files)


def test_forms_of_a_word_may_share_its_id(tmp_path):
    """Of letters whose case is no pair; and rare words may be listed with the unknown one's id."""
    words = "<pad> 0\n<unk> 1\nk\u0131z 2\nstra\u00dfe 3\ndon't 4\ndon\u2019t 4\nrare 1\nrarer 1"
    files = files_of(tmp_path, state_dict(), words, "no\nyes\n")
    found = import_bundle(tmp_path / "model.safetensors", **files)
    assert found.bundle.tokenizer.vocabulary["KIZ"] == 2
    said = "\n".join(found.assumed)
    assert "case is folded" in said and "7 of the embedding's 12 rows have no token" in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "has no answers"),
        ("{", "not JSON"),
        ('{"text": "a"}', "a line is"),
        ('{"ids": [99], "logits": [1, 2]}', "ids must be from 0 to 11"),
        ('{"ids": [3], "logits": [1]}', "1 logits; the model gives 2"),
        ('{"ids": [3], "logits": []}', "logits must be numbers, one for each label"),
        ('{"ids": [3], "logits": [NaN, 1]}', "logits must be numbers, one for each label"),
        ('{"ids": [3.5], "logits": [1, 2]}', "ids must be a list of integers"),
        ('{"ids": [1e99], "logits": [1, 2]}', "ids must be a list of integers"),
        ('{"ids": [9223372036854775808], "logits": [1, 2]}', "ids must be from 0 to 11"),
        ('{"ids": [0, 3], "logits": [1, 2]}', "padding occurs before other ids"),
        ('{"text": 3, "logits": [1, 2]}', "text must be a string"),
        ('{"ids": [3], "scores": [-1, 2]}', "outside of 0 to 1"),
        ('{"ids": [3], "scores": [0.9, 0.8]}', "add up to 1.7"),
    ],
)
def test_odd_answers_are_refused(torch_model, tmp_path, line, message):
    _, files = torch_model("lstm", "last")
    (tmp_path / "answers.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(TorchImportError, match=message):
        import_bundle(tmp_path / "model.safetensors", **files, check=tmp_path / "answers.jsonl")


def test_pytorchs_advice_to_load_a_file_unsafely_is_not_passed_on(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(TorchImportError) as error:
        read_state_dict(tmp_path / "model.pt")
    assert "weights_only" not in str(error.value) and "state_dict()" in str(error.value)
