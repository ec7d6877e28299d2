import pytest


@pytest.fixture
def save_pipeline(make_random, tmp_path_factory):
    """Saves a pipeline whose model has random weights; returns its folder."""

    def save(**config) -> str:
        folder = tmp_path_factory.mktemp("pipeline")
        make_random(**config).to_disk(folder)
        return str(folder)

    return save
