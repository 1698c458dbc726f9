"""The architecture of all models in the catalogue."""

from collections.abc import Callable

import keras
from keras import ops

from zoo.layers import MeanOverTime
from zoo.sizes import check
from zoo.text import PAD_ID


def with_sigmoid(model: keras.Model) -> keras.Model:
    """Puts a sigmoid behind the logits of a model, for a probability of each label by itself."""
    sigmoid = keras.layers.Activation("sigmoid", dtype="float32", name="probabilities")
    return keras.Model(model.input, sigmoid(model.output), name=model.name)


def build_classifier(
    make_layer: Callable[..., keras.Layer],
    *,
    vocab_size: int,
    num_classes: int,
    embed_dim: int,
    hidden_dim: int,
    num_layers: int,
    dropout: float,
    pooling: str = "last",
    bidirectional: bool = True,
    name: str = "classifier",
) -> keras.Model:
    """Builds a classifier: embedding, stacked recurrent layers, pooling, logits.

    Args:
        make_layer: `make_layer(units, return_sequences=...)` returns one direction of one layer.
        vocab_size: Number of token ids, including padding.
        num_classes: Number of labels or numbers.
        embed_dim: Width of the embedding.
        hidden_dim: Units per direction of each layer.
        num_layers: Number of layers.
        dropout: Fraction of values dropped in training, in [0, 1): after the embedding, between the
            layers and before the logits.
        pooling: How the top layer's outputs are pooled: `last`, the last output of each direction,
            or `mean`, the mean of all outputs, which suits long texts.
        bidirectional: Whether each layer has a backward direction, too.
        name: The Keras model's name.

    Returns:
        A model from int32 [batch, time] token ids, padded on the right with 0, to float32
        [batch, num_classes] logits or numbers.

    Raises:
        ValueError: If a size is not a positive integer, `dropout` is outside [0, 1), or `pooling`
            is unknown.
    """
    check(
        vocab_size=vocab_size,
        num_classes=num_classes,
        embed_dim=embed_dim,
        hidden_dim=hidden_dim,
        num_layers=num_layers,
        dropout=dropout,
        pooling=pooling,
    )

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    # An explicit mask: not every Keras version passes it from one recurrent layer to the next.
    mask = ops.not_equal(tokens, PAD_ID)
    x = keras.layers.Embedding(vocab_size, embed_dim, name="embedding")(tokens)
    x = keras.layers.Dropout(dropout, name="embedding_dropout")(x)
    for number in range(1, num_layers + 1):
        # The top layer keeps the last output of each direction.
        last_only = number == num_layers and pooling == "last"
        layer = make_layer(hidden_dim, return_sequences=not last_only)
        if bidirectional:
            layer = keras.layers.Bidirectional(layer, name=f"bidirectional_{number}")
        else:
            layer.name = f"recurrent_{number}"
        x = layer(x, mask=mask)
        if number == num_layers and pooling == "mean":
            x = MeanOverTime(name="mean")(x, mask=mask)
        x = keras.layers.Dropout(dropout, name=f"dropout_{number}")(x)
    # Logits stay float32 under mixed precision, for the loss.
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(tokens, logits, name=name)
