"""What the command line offers is what there is."""

from export import choices, exporter
from export.tflite import LOWERINGS, quantize


def test_the_command_line_offers_what_there_is():
    assert tuple(LOWERINGS) == choices.LOWERINGS
    assert choices.PRECISIONS == quantize.PRECISIONS
    assert choices.INTEGER == exporter.INTEGER
