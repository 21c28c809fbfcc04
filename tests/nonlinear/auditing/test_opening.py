"""Models opened by the place of their files or by name; nothing in a file is executed."""

import json
import pickle
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import LinearMAE
from spectral_mae.cli import main
from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder, audit, checkpoint, open_model

CONFIG = MAEConfig(
    (8, 8), 4, 1, width=8, depth=1, heads=2, decoder_width=8, decoder_depth=1, decoder_heads=2
)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    checkpoint.save(folder / "checkpoint.pt", MaskedAutoencoder.seeded(CONFIG, rng=0))
    return folder


def test_a_run_and_its_checkpoint(run):
    for place in (run, run / "checkpoint.pt", str(run)):
        assert open_model(place).config == CONFIG


def test_a_linear_model(tmp_path):
    images = np.random.default_rng(0).random((20, 8, 8))
    model = LinearMAE(4, 0.5).fit(images)
    model.save(tmp_path / "model.npz")
    found = audit(tmp_path / "model.npz", images, mask_ratio=0.5, n_resamples=2)
    assert np.array_equal(open_model(tmp_path / "model.npz").mean_, model.mean_)
    assert found.fields == {}


def test_a_function_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_models.py").write_text("def gray(images, visible): return images\nthree = 3\n")
    before = list(sys.path)
    images = np.ones((2, 4))
    assert open_model("my_models:gray")(images, None) is images
    for name, error, message in (
        ("my_models:three", ValueError, "my_models:three is not a function"),
        ("my_models:nothing", ValueError, "the module 'my_models' has no function 'nothing'"),
        ("no_models_here:gray", FileNotFoundError, "there is no module 'no_models_here'"),
        ("nowhere", FileNotFoundError, "no file or folder 'nowhere'"),
    ):
        with pytest.raises(error, match=message):
            open_model(name)
    (tmp_path / "needy_models.py").write_text("import a_package_that_is_missing\n")
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_missing"):
        open_model("needy_models:gray")
    assert sys.path == before


@pytest.mark.parametrize("options", [{"heads": 2}, {"units": (0, 1)}])
def test_options_that_would_have_no_effect_are_refused(run, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}=.* does not apply to the model"):
        open_model(run, **options)


class Malicious:
    """A pickle that makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


HOLDERS = {
    "torch": lambda path, evil: torch.save({"model": evil}, path),
    "old torch": lambda path, evil: torch.save(evil, path, _use_new_zipfile_serialization=False),
    "pickle": lambda path, evil: path.write_bytes(pickle.dumps(evil)),
    "numpy": lambda path, evil: np.savez(path, kind=np.array([evil], dtype=object)),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("place", ["file", "run", "hugging face"])
def test_a_malicious_pickle_never_runs(tmp_path, holder, place, capsys):
    trace = tmp_path / "it_ran"
    name = {"file": "model.pt", "run": "checkpoint.pt", "hugging face": "pytorch_model.bin"}[place]
    file = tmp_path / ("model.npz" if holder == "numpy" else name)
    if holder == "numpy" and place != "file":
        pytest.skip("arrays of linear models are files")
    HOLDERS[holder](file, Malicious(trace))
    if place == "hugging face":
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit_mae"}))
    model = file if place == "file" else tmp_path
    with pytest.raises(ValueError, match=file.name):
        open_model(model)
    out = ["builtin:camera", "--out", str(tmp_path / "out")]
    assert main.main(["audit", str(model), *out]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not trace.exists()
    # It would have run, had the pickle been read as usual.
    pickle.loads(pickle.dumps(Malicious(trace))).close()
    assert trace.exists()


def test_units_of_the_files(tmp_path):
    from spectral_mae.nonlinear.pretrained import _preprocessor_units

    assert _preprocessor_units(tmp_path) is None
    file = tmp_path / "preprocessor_config.json"
    for content, units in (
        ({"image_mean": [0.5], "image_std": [0.25]}, ([0.5], [0.25])),
        ({"image_mean": [0.5], "image_std": [0.25], "do_normalize": False}, (0.0, 1.0)),
        ({}, None),
    ):
        file.write_text(json.dumps(content))
        assert _preprocessor_units(tmp_path) == units
