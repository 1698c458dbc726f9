"""A pretrained transformer as a teacher.

Any encoder in the format of the transformers library. It is fine-tuned on the labelled texts
(Devlin et al., "BERT: pre-training of deep bidirectional transformers for language understanding",
NAACL 2019), and its predictions for unlabelled texts are distilled into the small model.
"""

import fnmatch
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo import terminal

PREFIX = "transformer:"
EPOCHS, BATCH, RATE = 3, 32, 1e-4
LONGEST = 256  # word pieces per text
# Parts of a saved encoder, and the files that may contain them.
PARTS = {
    "config.json": ("config.json",),
    "tokenizer": ("tokenizer.json", "vocab.txt", "vocab.json", "*.model"),
    "weights": ("*.safetensors", "pytorch_model*.bin"),
}


def check(folder: str) -> None:
    """Raises `ValueError` if a file or package is missing."""
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"A transformer as a teacher needs {' and '.join(missing)}: "
            "pip install 'birnn-zoo[transformer]'."
        )
    there = {path.name for path in Path(folder).glob("*")}
    lacks = [
        what
        for what, names in PARTS.items()
        if not any(fnmatch.fnmatch(name, one) for name in there for one in names)
    ]
    if lacks:
        raise ValueError(
            f"{PREFIX}{folder}: no {', no '.join(lacks)} there. Give a folder that a pretrained "
            "encoder was saved to by the transformers library."
        )


def answers(
    folder: str,
    texts: Sequence[str],
    labels: np.ndarray,
    num_classes: int,
    others: Sequence[str],
    seed: int,
    say: Callable[..., None] = print,
) -> np.ndarray:
    """Probabilities for the training texts and for others.

    Args:
        folder: A pretrained encoder.
        texts: Training texts. Predictions for these are close to their labels.
        labels: int32 [texts].
        num_classes: Number of labels.
        others: More texts to predict.
        seed: Seed of the last layer's weights, the order of texts and dropout.
        say: Receives lines of progress.

    Returns:
        float32 [texts and others, classes].
    """
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(seed)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=num_classes,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # a last layer for other labels is replaced
        )
    except Exception as error:  # transformers raises many kinds
        raise ValueError(
            f"{PREFIX}{folder}: the transformers library cannot open it. Give a folder that it "
            f"saved an encoder to. ({error})"
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.float().to(device).train()  # whatever type is stored
    longest = min(LONGEST, getattr(model.config, "max_position_embeddings", None) or LONGEST)
    longest = min(longest, tokenizer.model_max_length)
    # The word embeddings are frozen: their gradient is expensive, and few texts change them little.
    model.get_input_embeddings().requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE)
    steps = EPOCHS * -(-len(texts) // BATCH)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)

    def logits(places):
        batch = tokenizer(
            [every[place] for place in places],
            padding=True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        )
        return model(**batch.to(device)).logits

    every = [*texts, *others]
    rng = np.random.default_rng(seed)
    for epoch in range(EPOCHS):
        started = time.monotonic()
        what = f"Teacher {PREFIX}{folder}, epoch {epoch + 1} of {EPOCHS}"
        with terminal.progress(what, len(texts)):
            for places in _batches(rng.permutation(len(texts)), every, rng):
                wanted = torch.as_tensor(labels[places], dtype=torch.long, device=device)
                torch.nn.functional.cross_entropy(logits(places), wanted).backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                terminal.advance(len(places))
        seconds = time.monotonic() - started
        say(f"Teacher {PREFIX}{folder}: epoch {epoch + 1} of {EPOCHS} took {seconds:.0f} s")
    model.eval()
    result = np.zeros((len(every), num_classes), np.float32)
    what = f"Teacher {PREFIX}{folder} answers"
    with torch.inference_mode(), terminal.progress(what, len(every)):
        for places in _batches(np.arange(len(every)), every, rng):
            result[places] = logits(places).softmax(dim=-1).cpu().numpy()
            terminal.advance(len(places))
    if not np.isfinite(result).all():
        raise ValueError(f"{PREFIX}{folder}: its answers are not numbers; use another transformer.")
    return result


def _batches(places: np.ndarray, texts: Sequence[str], rng) -> Iterator[np.ndarray]:
    """Batches of texts of similar length, with little padding."""
    bucket = 20 * BATCH
    found = []
    for start in range(0, len(places), bucket):
        part = sorted(places[start : start + bucket], key=lambda place: len(texts[place]))
        found += [np.array(part[first : first + BATCH]) for first in range(0, len(part), BATCH)]
    for number in rng.permutation(len(found)):
        yield found[number]
