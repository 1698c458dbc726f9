"""Checkpoints, heads and vocabularies as training scripts of PyTorch write them."""

import json

import numpy as np
import pytest

from zoo import bundle
from zoo.__main__ import main
from zoo.torch_import import import_bundle, import_torch
from zoo.torch_readout import Readout, TorchImportError
from zoo.torch_state import read_state_dict
from zoo.vocabulary_files import read_vocabulary

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

WORDS = [f"w{number}" for number in range(30)]


class Net(nn.Module):
    """A classifier as tutorials have it; padding is packed away."""

    def __init__(self, padding=0, head=None, loss=False):
        super().__init__()
        torch.manual_seed(4)
        self.padding = padding
        self.embedding = nn.Embedding(32, 8, padding_idx=padding)
        self.lstm = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.fc = head or nn.Linear(12, 3)
        if loss:
            self.criterion = nn.CrossEntropyLoss(weight=torch.ones(3))
        with torch.no_grad():
            for weight in self.parameters():
                weight.mul_(2)

    def forward(self, ids):
        lengths = (ids != self.padding).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
        )
        _, (h, _) = self.lstm(packed)
        return self.fc(torch.cat([h[-2], h[-1]], 1))

    def logits(self, ids):
        with torch.no_grad():
            return self.eval()(torch.tensor(ids)).numpy()


def ids_of(padding=0, count=12, time=7):
    rng = np.random.default_rng(1)
    ids = rng.integers(2, 32, (count, time))
    ids[ids == padding] = padding + 1
    ids[np.arange(time) >= rng.integers(1, time + 1, count)[:, None]] = padding
    return ids


def prefixed(state, prefix):
    return {f"{prefix}{name}": value for name, value in state.items()}


LIGHTNING = {
    "epoch": 3,
    "global_step": 7,
    "pytorch-lightning_version": "2.5.0",
    "lr_schedulers": [],
}
CHECKPOINTS = {
    "plain.pt": lambda s: s,
    "model.pth": lambda s: {"model": s, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "net.pt": lambda s: {"net": s, "epoch": 3, "accuracy": 0.9},
    "state.pt": lambda s: {"state_dict": s},
    "parallel.pt": lambda s: {"model_state_dict": prefixed(s, "module.")},
    "lightning.ckpt": lambda s: {**LIGHTNING, "state_dict": prefixed(s, "model.")},
    "nested.pt": lambda s: {"model": {"state_dict": s}},
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_state_dict_is_found_in_a_checkpoint(tmp_path, name):
    net = Net(loss=True)
    torch.save(CHECKPOINTS[name](net.state_dict()), tmp_path / name)
    model = import_torch(read_state_dict(tmp_path / name), pooling="last")
    np.testing.assert_allclose(model.predict(ids_of(), verbose=0), net.logits(ids_of()), atol=1e-5)


def test_the_weights_of_a_loss_are_left_out_and_told():
    with pytest.warns(UserWarning, match=r"belongs to the loss: criterion\.weight"):
        import_torch(Net(loss=True).state_dict())


@pytest.mark.parametrize("padding", [0, 1, 5])
def test_padding_may_have_any_id(tmp_path, padding):
    net = Net(padding)
    torch.save(net.state_dict(), tmp_path / "model.pt")
    tokens = list(WORDS)
    tokens.insert(0 if padding else 1, "<unk>")
    tokens.insert(padding, "<pad>")
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    ids = ids_of(padding)
    texts = [" ".join(tokens[number] for number in row if number != padding) for row in ids]
    logits = net.logits(ids)
    lines = [
        json.dumps({**given, "logits": row.tolist()})
        for text, row_ids, row in zip(texts, ids, logits, strict=True)
        for given in ({"text": text}, {"ids": row_ids.tolist()})
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines))
    arguments = ["import", str(tmp_path / "model.pt"), "--vocab", str(tmp_path / "vocab.txt"),
                 "--labels", str(tmp_path / "labels.txt"), "--output", str(tmp_path / "run"),
                 "--check", str(tmp_path / "answers.jsonl")]  # fmt: skip
    assert main(arguments) == 0
    run = bundle.load(tmp_path / "run")
    assert run.tokenizer.vocabulary.pad == 0
    got = run.model.predict(run.tokenizer.encode(texts), verbose=0)
    np.testing.assert_allclose(got, logits, atol=1e-5)
    changed = [line for line in run.config["imported"]["assumed"] if "change places" in line]
    assert bool(changed) is (padding != 0)


@pytest.mark.parametrize(("name", "activation"), [("relu", nn.ReLU()), ("tanh", nn.Tanh())])
def test_a_head_may_have_several_linear_layers(tmp_path, name, activation):
    net = Net(head=nn.Sequential(nn.Dropout(0.2), nn.Linear(12, 7), activation, nn.Linear(7, 3)))
    torch.save(net.state_dict(), tmp_path / "model.pt")
    (tmp_path / "v.txt").write_text("\n".join(["<pad>", "<unk>", *WORDS]))
    (tmp_path / "l.txt").write_text("a\nb\nc\n")
    files = {"vocab": tmp_path / "v.txt", "labels": tmp_path / "l.txt"}
    imported = import_bundle(tmp_path / "model.pt", readout=Readout(head=name), **files)
    assert f"between the head's 2 linear layers: {name} (--head)" in imported.assumed
    got = imported.bundle.model.predict(ids_of(), verbose=0)
    np.testing.assert_allclose(got, net.logits(ids_of()), atol=1e-5)
    # A run with such a head is saved, read again and exported.
    imported.bundle.save(tmp_path / "run")
    from export import export_model

    (file,) = export_model(tmp_path / "run", lowering="loop", precision="float32")
    assert file.verified.largest_difference < 1e-5


class MeanNet(Net):
    """One whose head reads the mean over the steps."""

    def forward(self, ids):
        rows = []
        for row in ids:
            outputs, _ = self.lstm(self.embedding(row[row != self.padding][None]))
            rows.append(self.fc(outputs.mean(1)))
        return torch.cat(rows)


@pytest.mark.parametrize("padding", [0, 1])
def test_another_readout_is_found_for_such_a_head_too(tmp_path, padding):
    net = MeanNet(padding, head=nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 3)))
    torch.save(net.state_dict(), tmp_path / "model.pt")
    special = ["<pad>", "<unk>"] if padding == 0 else ["<unk>", "<pad>"]
    (tmp_path / "v.txt").write_text("\n".join([*special, *WORDS]))
    (tmp_path / "l.txt").write_text("a\nb\nc\n")
    lines = [
        json.dumps({"ids": ids.tolist(), "logits": logits.tolist()})
        for ids, logits in zip(ids_of(padding), net.logits(ids_of(padding)), strict=True)
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines))
    files = {"vocab": tmp_path / "v.txt", "labels": tmp_path / "l.txt"}
    check = tmp_path / "answers.jsonl"
    with pytest.raises(TorchImportError, match=r"They agree with --pooling mean\."):
        import_bundle(tmp_path / "model.pt", check=check, **files)
    readout = Readout("mean")
    imported = import_bundle(tmp_path / "model.pt", check=check, readout=readout, **files)
    assert imported.bundle.config["imported"]["checked"]["largest_difference"] < 1e-4


@pytest.mark.parametrize("lowered", ["net", "vocabulary"])
def test_pickled_code_is_not_run_and_no_advice_is_passed_on(tmp_path, lowered):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"<pad>": 0, "fc.weight": Bomb()}, tmp_path / "file.pt")
    read = read_state_dict if lowered == "net" else read_vocabulary
    with pytest.raises(ValueError, match="was not loaded") as error:
        read(tmp_path / "file.pt")
    assert "weights_only" not in str(error.value) and not (tmp_path / "ran").exists()


def test_a_whole_module_is_refused(tmp_path):
    torch.save(Net(), tmp_path / "model.pt")
    with pytest.raises(TorchImportError, match=r"Save only the state dict"):
        read_state_dict(tmp_path / "model.pt")


EXPECTED = {"<UNKNOWN>": 0, "<PAD>": 1, "It": 2, "2": 3, "don't": 4}
TOKENS = ["<unk>", "<pad>", "It", "2", "don't"]
FORMS = {
    "index first.txt": "".join(f"{n}\t{token}\n" for n, token in enumerate(TOKENS)),
    "token first.tsv": "".join(f"{token}\t{n}\n" for n, token in enumerate(TOKENS)),
    "spaces.txt": "".join(f"{n} {token}\n" for n, token in enumerate(TOKENS)),
    "tokens.json": json.dumps(dict(zip(TOKENS, range(5), strict=True))),
    "indices.json": json.dumps(dict(enumerate(TOKENS))),
    "list.json": json.dumps(TOKENS),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_a_vocabulary(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name])
    assert dict(read_vocabulary(tmp_path / name)) == EXPECTED


@pytest.mark.parametrize(
    "value", [dict(zip(TOKENS, range(5), strict=True)), dict(enumerate(TOKENS)), TOKENS]
)
def test_a_vocabulary_of_torch_save(tmp_path, value):
    torch.save(value, tmp_path / "vocab.pt")
    assert dict(read_vocabulary(tmp_path / "vocab.pt")) == EXPECTED


def test_vocabularies_of_keras(tmp_path):
    (tmp_path / "lines.txt").write_text("\n[UNK]\nIt\nwas\n")  # get_vocabulary()
    assert dict(read_vocabulary(tmp_path / "lines.txt")) == {
        "<PAD>": 0, "<UNKNOWN>": 1, "It": 2, "was": 3,
    }  # fmt: skip
    (tmp_path / "index.json").write_text('{"<OOV>": 1, "It": 2, "was": 3}')  # word_index
    assert dict(read_vocabulary(tmp_path / "index.json")) == {
        "<PAD>": 0, "<UNKNOWN>": 1, "It": 2, "was": 3,
    }  # fmt: skip
    (tmp_path / "mixed.txt").write_text("0\tIt\nwas\t1\n")
    with pytest.raises(ValueError, match=r"line 2: .* is not 'id token'"):
        read_vocabulary(tmp_path / "mixed.txt")
