"""What the command line offers is what there is."""

from export import choices
from export.tflite import FORMS


def test_the_command_line_offers_what_there_is():
    pairs = {(form.lowering, form.precision.name) for form in FORMS}
    assert len(pairs) == len(FORMS)
    named = {(one, other) for one in choices.LOWERINGS for other in choices.PRECISIONS}
    assert pairs == {*named, ("fused", choices.INTEGER)}
