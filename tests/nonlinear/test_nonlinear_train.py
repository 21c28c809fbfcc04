"""Trainings: what they learn, that they resume exactly, what they write; the command."""

import csv
import dataclasses
import io
import tarfile
import zipfile

import numpy as np
import pytest
from command_runs import run
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import LinearMAE, PatchGrid, designs
from spectral_mae.cli import main
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.nonlinear import checkpoint
from spectral_mae.nonlinear.labelled_images import LabelledImages, read_labelled
from spectral_mae.nonlinear.linear_autoencoder import LinearAutoencoder
from spectral_mae.nonlinear.schedule import warmup_cosine
from spectral_mae.nonlinear.training import (
    CHECKPOINT,
    TrainConfig,
    evaluate,
    to_tensor,
    train,
    units_of,
)
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

torch.set_num_threads(1)

SMALL = TrainConfig(epochs=4, batch=16, rate=3e-3, warmup=1, mask_ratio=0.5)


def pixels_of(n=50, shape=(8, 8), channels=1, seed=0):
    fields = gaussian_fields(power_law(shape, -3.0), n * channels, rng=seed)
    levels = np.clip(128 + 60 * fields, 0, 255).astype(np.uint8)
    return np.moveaxis(levels.reshape(n, channels, *shape), 1, -1)


def model_of(channels=1, **options):
    torch.manual_seed(5)
    sizes = {"width": 16, "heads": 2, "depth": 1, "decoder_width": 16, "decoder_heads": 2}
    return MaskedAutoencoder(MAEConfig((8, 8), 2, channels, **(sizes | options)))


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def without_time(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]


# Training ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_a_training_learns(sampling):
    pixels, others = pixels_of(200), pixels_of(60, seed=1)
    model = model_of()
    config = dataclasses.replace(SMALL, epochs=40, rate=5e-3, sampling=sampling)
    history = train(model, pixels, config, held_out=others)
    assert history.column("epoch") == list(range(1, 41))
    assert history.column("step")[-1] == 40 * (200 // 16)
    # Predicting the mean has a loss of 1.
    assert history.column("held_out")[-1] < 0.8 < history.column("held_out")[0]
    assert evaluate(model, others, 0.5, sampling=sampling) == history.column("held_out")[-1]


def test_the_common_trainer_brings_the_linear_model_near_its_optimum():
    """Hidden patches only, through the interface that all models share."""
    pixels = pixels_of(400)
    grid = PatchGrid((8, 8), 2)
    model = LinearAutoencoder(grid)
    config = TrainConfig(epochs=60, batch=50, rate=0.01, weight_decay=0, mask_ratio=0.5, flip=False)
    train(model, pixels, config)
    images = pixels[..., 0] / 255.0
    mean, std = (float(x[0]) for x in units_of(pixels))
    best = LinearMAE(2, 0.5, target="hidden", covariance="dense", center=False).fit(images - mean)
    scale = 64 * 0.5 * std**2
    found = np.mean([evaluate(model, pixels, 0.5, rng=seed) for seed in range(20)])
    assert best.loss_ / scale * 0.98 < found < best.loss_ / scale * 1.05


@pytest.mark.parametrize("text", ["block:2x2,keep", "blockwise:0.5,least=2", "fixed:0.5"])
def test_a_training_with_a_design_learns_and_scores_under_its_masks(text):
    """A block is all that is kept, or patches in unequal numbers, for which batches are padded."""
    pixels, others = pixels_of(200), pixels_of(60, seed=1)
    model = model_of()
    config = TrainConfig(epochs=40, batch=16, rate=5e-3, warmup=1, design=text)
    design = config.masks(model.grid)
    assert design == designs.parse(text).on(PatchGrid((8, 8), 2))
    history = train(model, pixels, config, held_out=others)
    # Far from the only block little is known.
    assert history.column("held_out")[-1] < 0.95 < history.column("held_out")[0]
    kept = design.sample_kept(60, np.random.default_rng(np.random.SeedSequence([0, 2])))
    with torch.no_grad():
        expected = model.loss(to_tensor(others), torch.from_numpy(kept)).item()
    assert history.column("held_out")[-1] == pytest.approx(expected, rel=1e-6)
    assert evaluate(model, others, design=design) == history.column("held_out")[-1]


def test_steps_learn_from_masks_of_the_design(monkeypatch):
    seen = []
    own_loss = MaskedAutoencoder.loss

    def loss(self, images, kept, target):
        seen.append(kept)
        return own_loss(self, images, kept, target)

    monkeypatch.setattr(MaskedAutoencoder, "loss", loss)
    train(model_of(), pixels_of(), dataclasses.replace(SMALL, mask_ratio=None, design="block:2x3"))
    kept = torch.cat(seen).numpy()
    patterns, _ = designs.block(PatchGrid((8, 8), 2), (2, 3)).enumerate()
    assert {row.tobytes() for row in kept} == {row.tobytes() for row in patterns}


def test_a_uniform_design_is_the_training_of_its_mask_ratio():
    found = []
    for masks in ({"mask_ratio": 0.5}, {"mask_ratio": None, "design": "fixed:0.5"}):
        model = model_of()
        train(model, pixels_of(), dataclasses.replace(SMALL, **masks))
        found.append(state(model))
    assert same(*found)


def test_checkpoints_hold_the_design_and_old_ones_are_as_they_were(tmp_path):
    grid = PatchGrid((8, 8), 2)
    config = TrainConfig(epochs=2, batch=16, design=designs.block(grid, 2, keep=True))
    assert config.design == "block:2x2,keep"
    assert config.mask_ratio is None
    train(model_of(), pixels_of(), config, folder=tmp_path, until=1)
    stored = checkpoint.read(tmp_path / CHECKPOINT)["training"]
    assert stored == config.to_dict()
    assert stored["design"] == "block:2x2,keep"
    assert "mask_ratio" not in stored
    train(model_of(), pixels_of(), config, folder=tmp_path, resume=True)
    other = dataclasses.replace(config, design="block:2x3,keep")
    with pytest.raises(ValueError, match=r"another training: training .*block:2x2,keep"):
        train(model_of(), pixels_of(), other, folder=tmp_path, resume=True)
    assert set(SMALL.to_dict()) == {
        "seed", "epochs", "batch", "rate", "warmup", "weight_decay", "mask_ratio", "sampling",
        "target", "flip",
    }  # fmt: skip
    assert TrainConfig().mask_ratio == 0.75


def test_designs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"mask_ratio=0.5.* with design='block:2x2'"):
        TrainConfig(mask_ratio=0.5, design="block:2x2")
    with pytest.raises(ValueError, match=r"no design 'blok'"):
        TrainConfig(design="blok:2x2")
    with pytest.raises(ValueError, match=r"block:5x5"):
        train(model_of(), pixels_of(), TrainConfig(design="block:5x5"))
    model = model_of()
    with pytest.raises(ValueError, match="is of"):
        evaluate(model, pixels_of(), design=designs.fixed(PatchGrid((8, 8), 4), 0.5))
    with pytest.raises(TypeError, match="design"):
        evaluate(model, pixels_of())


@pytest.mark.parametrize("until", [1, 3])
def test_a_resumed_training_equals_one_without_interruption_bit_by_bit(tmp_path, until):
    pixels, others = pixels_of(), pixels_of(20, seed=1)
    whole, first = model_of(), model_of()
    history = train(whole, pixels, SMALL, held_out=others, folder=tmp_path / "whole")
    train(first, pixels, SMALL, held_out=others, folder=tmp_path / "parts", until=until)
    second = model_of()
    torch.manual_seed(99)  # as a new process would have it
    resumed = train(second, pixels, SMALL, held_out=others, folder=tmp_path / "parts", resume=True)
    assert len(resumed.rows) == SMALL.epochs
    assert without_time(resumed) == without_time(history)
    assert same(state(second), state(whole))
    assert not same(state(first), state(whole))
    a, b = (checkpoint.read(tmp_path / d / "checkpoint.pt") for d in ("whole", "parts"))
    for key, moments in a["optimizer"]["state"].items():
        assert same(moments, b["optimizer"]["state"][key])


def test_seeds_decide_and_nothing_else(tmp_path):
    pixels = pixels_of()
    found = []
    for seed in (0, 0, 1):
        model = model_of()
        train(model, pixels, dataclasses.replace(SMALL, rng=seed))
        found.append(state(model))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    pixels = pixels_of()
    train(model_of(), pixels, SMALL, folder=tmp_path, until=1)
    other = dataclasses.replace(SMALL, rate=1e-3)
    with pytest.raises(ValueError, match="another training: training"):
        train(model_of(), pixels, other, folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="another training: settings"):
        train(model_of(depth=2), pixels, SMALL, folder=tmp_path, resume=True)
    twice = np.concatenate([pixels, pixels])  # the same units, more steps
    for images in (pixels_of(seed=1), twice):
        with pytest.raises(ValueError, match="another training: its images"):
            train(model_of(), images, SMALL, folder=tmp_path, resume=True)


def test_what_is_written(tmp_path):
    model = model_of(channels=3)
    history = train(model, pixels_of(channels=3), SMALL, folder=tmp_path, keep=(0, 2))
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {"checkpoint.pt", "log.csv", "epoch-0000.pt", "epoch-0002.pt"}
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history.column("loss")
    loaded = checkpoint.load_checkpoint(tmp_path / "checkpoint.pt")
    assert same(state(loaded), state(model))
    assert not loaded.training
    assert not same(state(checkpoint.load_checkpoint(tmp_path / "epoch-0002.pt")), state(model))


def test_linear_models_are_saved_too(tmp_path):
    model = LinearAutoencoder(PatchGrid((4, 6), 2), 3, rank=5).double()
    checkpoint.save(tmp_path / "linear.pt", model)
    loaded = checkpoint.load_checkpoint(tmp_path / "linear.pt")
    assert same(state(loaded), state(model))
    assert loaded.grid == model.grid


def test_what_is_no_checkpoint_is_refused(tmp_path):
    file = tmp_path / "x.pt"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"is damaged, or no file of torch\.save"):
        checkpoint.load_checkpoint(file)
    torch.save({"a": 1}, file)
    with pytest.raises(ValueError, match="was not written by"):
        checkpoint.load_checkpoint(file)


def test_the_loss_of_an_evaluation_is_the_mean_over_images():
    model = model_of()
    pixels = pixels_of(7)
    found = evaluate(model, pixels, 0.5, rng=3)
    rng = np.random.default_rng([3, 2])
    from spectral_mae.masks.sampling import sample_kept

    kept = torch.from_numpy(sample_kept(16, 0.5, 7, rng=rng))
    images = to_tensor(pixels)
    with torch.no_grad():
        each = [model.loss(images[i : i + 1], kept[i : i + 1]).item() for i in range(7)]
    assert found == pytest.approx(np.mean(each), rel=1e-5)


def test_units_are_those_of_the_pixels():
    pixels = pixels_of(9, channels=3)
    mean, std = units_of(pixels)
    flat = pixels.reshape(-1, 3) / 255.0
    np.testing.assert_allclose(mean, flat.mean(0), rtol=1e-12)
    np.testing.assert_allclose(std, flat.std(0), rtol=1e-12)
    assert units_of(np.full((1, 2, 2, 1), 7, np.uint8))[1] == 1 / 255


def test_the_schedule_rises_to_one_and_falls_to_zero():
    rates = [warmup_cosine(t, 100, 10) for t in range(100)]
    assert rates[9] == rates[10] == max(rates) == 1
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert 0 < rates[-1] < 1e-3
    assert sum(warmup_cosine(t, 50, 0) for t in range(50)) == pytest.approx(25.5)


def test_impossible_trainings_are_refused():
    with pytest.raises(ValueError, match="rate=-1"):
        TrainConfig(rate=-1)
    with pytest.raises(ValueError, match="rng=-1"):
        TrainConfig(rng=-1)
    with pytest.raises(ValueError, match="are not uint8"):
        train(model_of(), pixels_of() / 255.0, SMALL)
    with pytest.raises(ValueError, match="are not uint8"):
        train(model_of(channels=3), pixels_of(), SMALL)
    with pytest.raises(FloatingPointError, match="try a smaller rate"):
        train(model_of(), pixels_of(), dataclasses.replace(SMALL, rate=1e30, warmup=0))


# Data --------------------------------------------------------------------------------------------


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def photographs():
    return pixels_of(12, shape=(32, 32), channels=3)


def write_folder(folder, photographs):
    for i, one in enumerate(photographs):
        place = folder / ("cat", "dog")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i:02d}.png").write_bytes(png(one))


def test_folder_zip_and_binary_batches_hold_the_same(tmp_path, photographs):
    write_folder(tmp_path / "folder", photographs)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("readme.txt", "no image")
        for i, one in enumerate(photographs):
            archive.writestr(f"top/{('cat', 'dog')[i % 2]}/{i:02d}.png", png(one))
    rows = [bytes([i % 2]) + np.moveaxis(one, -1, 0).tobytes() for i, one in enumerate(photographs)]
    binary = tmp_path / "binary"
    binary.mkdir()
    for number in range(2):
        content = b"".join(rows[number * 6 : number * 6 + 6])
        (binary / f"data_batch_{number + 1}.bin").write_bytes(content)
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "folder", "top")
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        archive.add(binary, "cifar-10-batches-bin")
    order = [*range(0, 12, 2), *range(1, 12, 2)]  # folders come one after the other
    for name, places in (("folder", order), ("all.zip", order), ("all.tar.gz", order),
                         ("binary", range(12)), ("cifar.tar.gz", range(12))):  # fmt: skip
        found = read_labelled([tmp_path / name])
        assert np.array_equal(found.pixels, photographs[list(places)])
        assert found.labels.tolist() == [i % 2 for i in places]
        assert found.classes == (("cat", "dog") if places is order else ("0", "1"))
    one = read_labelled([binary / "data_batch_2.bin"])
    assert np.array_equal(one.pixels, photographs[6:])
    for paths in ([binary / "data_batch_2.bin", tmp_path / "folder"], [binary / "*.bin"]):
        with pytest.raises(
            ValueError, match=r"data_batch_.\.bin\[0\] is of a binary batch of CIFAR"
        ):
            read_labelled(paths)
    several = read_labelled([tmp_path / "all.zip", tmp_path / "folder"])
    assert np.array_equal(several.pixels, photographs[[*order, *order]])
    assert several.classes == ("cat", "dog")


def test_gray_resized_limited_and_broken(tmp_path, photographs):
    write_folder(tmp_path, photographs)
    gray = read_labelled([tmp_path], color=False)
    assert gray.pixels.shape == (12, 32, 32, 1)
    assert gray.unit.shape == (12, 32, 32)
    weights = np.array([0.299, 0.587, 0.114])
    order = [*range(0, 12, 2), *range(1, 12, 2)]
    np.testing.assert_allclose(gray.pixels[..., 0], photographs[order] @ weights, atol=0.51)
    few = [read_labelled([tmp_path], limit=5, size=16, rng=seed) for seed in (0, 0, 1)]
    assert few[0].pixels.shape == (5, 16, 16, 3)
    assert np.array_equal(few[0].pixels, few[1].pixels)
    assert not np.array_equal(few[0].pixels, few[2].pixels)
    (tmp_path / "cat" / "broken.png").write_bytes(b"no")
    found = read_labelled([tmp_path])
    assert len(found) == 12
    assert len(found.failed) == 1
    (tmp_path / "cat" / "long.png").write_bytes(png(pixels_of(1, shape=(32, 40), channels=3)[0]))
    with pytest.raises(ValueError, match="2 shapes"):
        read_labelled([tmp_path])


def test_a_split_parts_images_with_their_labels(photographs):
    data = LabelledImages(photographs, np.arange(12), tuple(map(str, range(12))))
    one, other = data.split(0.25, 0)
    assert (len(one), len(other)) == (9, 3)
    assert sorted([*one.labels, *other.labels]) == list(range(12))
    for part in (one, other):
        assert np.array_equal(part.pixels, photographs[part.labels])
    with pytest.raises(ValueError, match=r"share=0.01 of 12 images holds 0 out"):
        data.split(0.01)


def test_what_is_not_cifar_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(100))
    with pytest.raises(ValueError, match="100 bytes are not rows of 3073"):
        read_labelled([tmp_path / "a.bin"])


# The command -------------------------------------------------------------------------------------


def test_the_command_trains_writes_and_resumes(tmp_path, photographs, capsys):
    write_folder(tmp_path / "in", photographs)
    options = [tmp_path / "in", "--size", 16, "--color", "--batch-size", 4, "--holdout", 0.25]
    options += ["--epochs", 2, "--quiet", "--device", "cpu", "--out", tmp_path / "out"]
    assert run("train-mae", *options) == 0
    printed = capsys.readouterr().out
    assert "9 images of 16 x 16 pixels, 2 epochs, 4 steps" in printed
    assert {f.name for f in (tmp_path / "out").iterdir()} == {
        "checkpoint.pt", "columns.json", "log.csv", "curves.png"
    }  # fmt: skip
    before = state(checkpoint.load_checkpoint(tmp_path / "out" / "checkpoint.pt"))
    assert run("train-mae", *options, "--resume") == 0
    assert same(before, state(checkpoint.load_checkpoint(tmp_path / "out" / "checkpoint.pt")))
    assert run("train-mae", *options, "--resume", "--rate", 0.5) == main.USAGE
    assert "another training" in capsys.readouterr().err


def test_the_command_trains_with_a_design(tmp_path, photographs, capsys):
    write_folder(tmp_path / "in", photographs)
    options = [tmp_path / "in", "--size", 16, "--batch-size", 4, "--epochs", 1, "--quiet"]
    options += ["--device", "cpu", "--out", tmp_path / "out", "--design", "block:2x2,keep"]
    assert run("train-mae", *options) == 0
    stored = checkpoint.read(tmp_path / "out" / CHECKPOINT)["training"]
    assert stored["design"] == "block:2x2,keep"
    assert run("train-mae", *options, "--mask-ratio", 0.5) == main.USAGE
    assert "--mask-ratio does not go with --design" in capsys.readouterr().err
    assert run("train-mae", *options[:-1], "block:9x9") == main.USAGE
    assert "block:9x9" in capsys.readouterr().err


def test_wrong_usage_is_said(tmp_path, capsys):
    assert run("train-mae", tmp_path / "none", "--out", tmp_path / "x") == main.USAGE
    write_folder(tmp_path / "in", pixels_of(4, shape=(10, 10), channels=3))
    assert run("train-mae", tmp_path / "in", "--out", tmp_path / "x", "--holdout", 0) == main.USAGE
    assert "does not divide" in capsys.readouterr().err


def test_settings_are_stored_under_the_name_of_the_command_and_older_files_go_on(tmp_path):
    pixels = pixels_of()
    train(model_of(), pixels, dataclasses.replace(SMALL, rng=3), folder=tmp_path, until=1)
    stored = checkpoint.read(tmp_path / CHECKPOINT)["training"]
    assert (stored["seed"], "rng" in stored) == (3, False)
    history = train(
        model_of(), pixels, dataclasses.replace(SMALL, rng=3), folder=tmp_path, resume=True
    )
    assert len(history.rows) == SMALL.epochs
    with pytest.raises(ValueError, match="another training"):
        train(model_of(), pixels, SMALL, folder=tmp_path, resume=True)


def test_a_generator_is_refused_where_the_run_is_stored():
    with pytest.raises(TypeError, match=r"rng=.* cannot be stored: give an integer"):
        TrainConfig(rng=np.random.default_rng(0))


def test_evaluation_takes_a_generator():
    model, pixels = model_of(), pixels_of()
    found = [evaluate(model, pixels, 0.5, rng=np.random.default_rng(n)) for n in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
