"""Creates, initialises and compiles the model."""

from collections.abc import Sequence
from typing import Any

import keras

from zoo import catalogue, devices
from zoo.bundle import Bundle
from zoo.layers import MeanOverTime
from zoo.sizes import POOLINGS
from zoo.training.config import SettledConfig, TrainingConfig
from zoo.training.objectives import OBJECTIVES, Regularized
from zoo.training.tasks import Task
from zoo.training.vectors import WordVectors


def set_seed(seed: int) -> None:
    """Seeds every source of randomness, so that runs are reproducible to the bit."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def create(
    config: TrainingConfig, vocab_size: int, num_classes: int, *, mixed: bool
) -> keras.Model:
    """Creates a model, in mixed precision or float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(devices.mixed_policy() if mixed else "float32")
    try:
        return catalogue.create_model(
            config.model,
            vocab_size=vocab_size,
            num_classes=num_classes,
            embed_dim=config.embed_dim,
            hidden_dim=config.hidden_dim,
            num_layers=config.num_layers,
            dropout=config.dropout,
            pooling=config.pooling or POOLINGS[0],
        )
    finally:
        keras.config.set_dtype_policy(before)


def take_weights(
    model: keras.Model, vocabulary, start: Bundle, labels: Sequence[str], task: Task
) -> str:
    """Copies weights from a trained model: rows of shared words, and the last layer if labels
    match.

    New words keep their random rows.

    Returns:
        A summary as text.
    """
    same_labels = start.labels == tuple(labels)
    taken = 0
    for layer in model.layers:
        weights = start.model.get_layer(layer.name).get_weights()
        if layer.name == "embedding":
            (rows,), (known,) = layer.get_weights(), weights
            known_ids = start.tokenizer.vocabulary
            # The first form of a word takes precedence, so it comes last.
            for token in reversed(list(vocabulary)):
                if token in known_ids:
                    rows[vocabulary[token]] = known[known_ids[token]]
            taken = len({vocabulary[token] for token in vocabulary if token in known_ids})
            weights = [rows]
        if layer.name == "logits":
            weights = task.head(weights) if same_labels else layer.get_weights()
        layer.set_weights(weights)
    last = "the last layer too" if same_labels else "and a new last layer for other labels"
    return f"{taken:,} of {vocabulary.size:,} token ids, the recurrent layers, {last}"


def take_vectors(model: keras.Model, vocabulary, vectors: WordVectors) -> int:
    """Copies word vectors into the embedding. Returns how many."""
    (rows,) = model.get_layer("embedding").get_weights()
    count = vectors.fill(rows, vocabulary)
    model.get_layer("embedding").set_weights([rows])
    return count


def compiled(config: SettledConfig, model: keras.Model, steps: int, task: Task) -> keras.Model:
    """Compiles the model with its loss and optimizer; `steps` is the number of steps per epoch."""
    if config.objective != OBJECTIVES[0]:
        model = Regularized(model, config.objective, config.reach)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    model.compile(
        keras.optimizers.Adam(
            rate,
            global_clipnorm=config.clip_norm,
            use_ema=config.average > 0,
            ema_momentum=config.average,
        ),
        task.loss(),
        metrics=task.metrics(),
        # TensorFlow's loops are faster without XLA; JAX always compiles.
        jit_compile=keras.backend.backend() == "jax",
    )
    # Otherwise it is built in the first step, which TensorFlow then traces twice.
    model.optimizer.build(model.trainable_variables)
    return model


def sizes(model: keras.Model) -> dict[str, Any]:
    """The sizes of a model, by setting."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
    return {
        "embed_dim": model.get_layer("embedding").output_dim,
        "hidden_dim": layers[0].forward_layer.cell.units,
        "num_layers": len(layers),
        "pooling": "mean" if any(isinstance(one, MeanOverTime) for one in model.layers) else "last",
    }
