"""The classifier that every model of the catalogue is."""

from collections.abc import Callable

import keras
from keras import ops

from zoo.layers import MeanOverTime
from zoo.sizes import check
from zoo.text import PAD_ID


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
    """Embedding, stacked recurrent layers, one vector of the top layer's outputs, logits.

    Args:
        make_layer: `make_layer(units, return_sequences=...)` gives one direction of one layer.
        vocab_size: Number of token ids, padding included.
        num_classes: Number of labels.
        embed_dim: Width of the embedding.
        hidden_dim: Units of each direction of each layer.
        num_layers: Number of layers.
        dropout: Share of values dropped in training: of the embedding, between the layers and
            before the logits; in [0, 1).
        pooling: What the logits see of the top layer: `last`, its last forward beside its last
            backward output, or `mean`, the mean of its outputs, which serves long texts.
        bidirectional: Whether each layer reads the text from both ends, or from the first only.
        name: The Keras model's name.

    Returns:
        A model from int32 [batch, time] token ids, padded on the right with 0, to float32
        [batch, num_classes] logits.

    Raises:
        ValueError: If a size is not a positive integer, there are fewer than two classes,
            `dropout` is outside [0, 1), or there is no such pooling.
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
    # Given by hand: not every Keras hands a recurrent layer's mask on to the next.
    mask = ops.not_equal(tokens, PAD_ID)
    x = keras.layers.Embedding(vocab_size, embed_dim, name="embedding")(tokens)
    x = keras.layers.Dropout(dropout, name="embedding_dropout")(x)
    for number in range(1, num_layers + 1):
        # From the last one of the forward way stands beside the last one of the backward way.
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
