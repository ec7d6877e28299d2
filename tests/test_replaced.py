import torch

from spacy_gliner.replaced import Replaced


def test_others_take_the_place_of_torchs_for_a_while():
    vector = torch.tensor([-1.0, 2.0])
    with Replaced({torch.relu: torch.abs}):
        assert torch.relu(vector).tolist() == [1.0, 2.0]
        assert torch.sin(vector).equal(vector.sin())
    assert torch.relu(vector).tolist() == [0.0, 2.0]


def test_the_innermost_comes_first_and_the_outer_ones_still_serve():
    vector = torch.tensor([-1.0, 2.0])
    outer = Replaced({torch.relu: torch.abs, torch.exp: torch.neg})
    with outer, Replaced({torch.relu: torch.square}):
        assert torch.relu(vector).tolist() == [1.0, 4.0]
        assert torch.exp(vector).tolist() == [1.0, -2.0]
