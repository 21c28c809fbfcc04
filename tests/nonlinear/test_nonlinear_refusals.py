"""What trained models are given wrongly is said, and no NaN comes back in silence."""

import zipfile

import numpy as np
import pytest
from command_runs import usage_error
from masking_cases import uniform_masking
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import PatchGrid
from spectral_mae.linear.corruption import GaussianNoise, NoCorruption
from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear import checkpoint, training
from spectral_mae.nonlinear.evaluation.classifier import (
    Classifier,
    ClassifyConfig,
    accuracy,
    fit_classifier,
    predicted_classes,
)
from spectral_mae.nonlinear.evaluation.jacobian import (
    jacobian_rows,
    mean_receptive_field,
    receptive_field,
    singular_values,
)
from spectral_mae.nonlinear.evaluation.layer_similarity import (
    layer_similarity,
    minibatch_cka,
    unbiased_hsic,
)
from spectral_mae.nonlinear.evaluation.maps import AboutMean, filler
from spectral_mae.nonlinear.evaluation.measured_response import measured_response, response_of
from spectral_mae.nonlinear.evaluation.probe import features_of, linear_probe
from spectral_mae.nonlinear.labelled_images import LabelledImages, read_labelled
from spectral_mae.nonlinear.linear_autoencoder import DescentConfig, LinearAutoencoder, descend
from spectral_mae.nonlinear.model import normalised
from spectral_mae.nonlinear.patches import unpatchify
from spectral_mae.nonlinear.schedule import warmup_cosine
from spectral_mae.nonlinear.training import TrainConfig, evaluate, to_tensor, train
from spectral_mae.nonlinear.training_sweep import TrainingSweep, train_sweep
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

torch.set_num_threads(1)

GRID = PatchGrid((8, 8), 4)
RNG = np.random.default_rng(0)
BAD = pytest.mark.parametrize("bad", [np.nan, np.inf])


def model_of(channels=1, patch=4, **options):
    torch.manual_seed(0)
    sizes = {"width": 16, "heads": 2, "depth": 1, "decoder_width": 8, "decoder_heads": 2}
    return MaskedAutoencoder(MAEConfig((8, 8), patch, channels, **(sizes | options))).eval()


def pixels_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)


def kept_of(n):
    return torch.tensor([[True, False, True, False]] * n)


# Loss --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [model_of(), LinearAutoencoder(GRID)])
def test_a_loss_over_nothing_is_refused(model):
    images = torch.rand(2, 1, 8, 8)
    with pytest.raises(ValueError, match="kept hides no patch of 2 images: target='hidden'"):
        model.loss(images, torch.ones(2, 4, dtype=torch.bool))
    assert torch.isfinite(model.loss(images, torch.ones(2, 4, dtype=torch.bool), "all"))
    one = torch.tensor([[True] * 4, [True, True, True, False]])
    truth = model.in_units(images)[1, 3] - model.predict(model.in_units(images), one)[1, 3]
    assert model.loss(images, one).item() == pytest.approx(truth.square().mean().item(), rel=1e-6)


def test_patches_of_one_number_have_no_deviation():
    with pytest.raises(ValueError, match=r"norm_target with patch_size=\(1, 1\) and channels=1"):
        MAEConfig((8, 8), 1, 1, norm_target=True)
    assert torch.isfinite(model_of(3, 1, norm_target=True).loss(
        torch.rand(1, 3, 8, 8), torch.arange(64)[None] > 30
    ))  # fmt: skip
    with pytest.raises(ValueError, match="patches of one number have no deviation"):
        normalised(torch.rand(2, 3, 1))


def test_a_score_leaves_out_batches_in_which_nothing_was_hidden(monkeypatch):
    """One image a batch, four patches, each hidden by a chance of a tenth."""
    monkeypatch.setattr(training, "EVALUATION_BATCH", 1)
    model, pixels = model_of(), pixels_of(40)
    rng = np.random.default_rng([3, 2])
    errors = []
    for image in to_tensor(pixels):
        kept = sample_kept(4, 0.1, 1, sampling="bernoulli", rng=rng)
        with torch.no_grad():
            truth = model.in_units(image[None])
            error = (model.predict(truth, torch.from_numpy(kept)) - truth).square().mean(-1)
        errors.extend(error.numpy()[~kept])
    assert 0 < len(errors) < 40
    found = evaluate(model, pixels, 0.1, sampling="bernoulli", rng=3)
    assert found == pytest.approx(np.mean(errors), rel=1e-5)
    with pytest.raises(
        ValueError, match=r"bernoulli:1e-09 .*: the masks of 5 images hide no patch"
    ):
        evaluate(model, pixels[:5], 1e-9, sampling="bernoulli")


def test_steps_in_which_nothing_was_hidden_teach_nothing():
    config = TrainConfig(epochs=2, batch=1, mask_ratio=0.1, sampling="bernoulli", flip=False)
    history = train(model_of(), pixels_of(30), config)
    assert np.isfinite(history.column("loss")).all()
    with pytest.raises(
        ValueError, match=r"bernoulli:1e-09 .* with batch=1: the masks of epoch 1 hide"
    ):
        train(model_of(), pixels_of(5), TrainConfig(batch=1, mask_ratio=1e-9, sampling="bernoulli"))


# Images ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [model_of(), LinearAutoencoder(GRID)])
def test_images_are_taken_in_the_precision_of_the_model(model):
    images, kept = torch.rand(3, 1, 8, 8), kept_of(3)
    truth = model(images, kept)
    assert torch.equal(model(images.double(), kept), truth)
    half = images.to(torch.bfloat16)
    assert torch.equal(model(half, kept), model(half.float(), kept))
    low = (
        type(model)(model.config)
        if isinstance(model, MaskedAutoencoder)
        else LinearAutoencoder(GRID)
    )
    low.load_state_dict(model.state_dict())
    low = low.to(torch.bfloat16)
    found = low(images, kept)
    assert found.dtype == torch.bfloat16
    assert (found.float() - truth).abs().max() < 0.1 * truth.abs().max()
    assert low.loss(images, kept).item() == pytest.approx(model.loss(images, kept).item(), rel=0.05)


@pytest.mark.parametrize("model", [model_of(), LinearAutoencoder(GRID)])
@pytest.mark.parametrize("call", ["forward", "loss", "features", "hidden_states"])
def test_images_that_no_model_takes_are_refused(model, call):
    def run(images):
        getattr(model, call)(*([images, kept_of(len(images))] if call == "loss" else [images]))

    if not hasattr(model, call):
        return
    with pytest.raises(ValueError, match=r"images of torch.uint8 are not floats: .* take /255"):
        run(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"images of shape \(0, 1, 8, 8\): there is none"):
        run(torch.zeros(0, 1, 8, 8))
    with pytest.raises(ValueError, match=r"images of shape \(2, 3, 8, 8\) are not \(n, channels=1"):
        run(torch.zeros(2, 3, 8, 8))


def test_masks_that_no_model_takes_are_refused():
    with pytest.raises(ValueError, match=r"kept of torch.bool and shape \(2, 3\)"):
        model_of().hidden_states(torch.rand(2, 1, 8, 8), torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"patches of shape \(2, 3, 16\) are not \(n, 4, 16 x"):
        unpatchify(torch.rand(2, 3, 16), GRID)


@pytest.mark.parametrize(
    "units", [(np.nan, 1.0), (0.5, np.inf), (0.5, 0.0), (0.5, -1.0), ((0.5, 0.5), 1.0)]
)
def test_units_that_are_refused_change_nothing(units):
    model = model_of()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"mean=|std="):
        model.set_units(*units)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "pixels", [pixels_of(4) / 255.0, pixels_of(4)[:, :4], pixels_of(4)[:0], pixels_of(4)[..., 0]]
)
def test_pixels_that_no_model_takes_are_refused(pixels):
    model, good = model_of(), pixels_of(8)
    classifier, labels = Classifier(model, 2), np.zeros(len(pixels), int)
    calls = [
        lambda: train(model, pixels, TrainConfig()),
        lambda: train(model, good, TrainConfig(), held_out=pixels),
        lambda: evaluate(model, pixels, 0.5),
        lambda: features_of(model, pixels),
        lambda: predicted_classes(classifier, pixels),
        lambda: fit_classifier(classifier, pixels, labels),
    ]
    if len(pixels) > 3:
        calls.append(lambda: layer_similarity(model, model, pixels))
    for call in calls:
        with pytest.raises(ValueError, match="are not uint8"):
            call()


# Trainings that go astray ------------------------------------------------------------------------


def test_a_training_that_diverges_leaves_its_last_good_checkpoint(tmp_path):
    good = TrainConfig(epochs=2, batch=4, rate=1e-3, warmup=0, mask_ratio=0.5)
    train(model_of(), pixels_of(8), good, folder=tmp_path, until=1)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    model = model_of()
    with pytest.raises(FloatingPointError, match="try a smaller rate"):
        train(model, pixels_of(8), TrainConfig(batch=4, rate=1e30, warmup=0, mask_ratio=0.5),
              folder=tmp_path)  # fmt: skip
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert isinstance(checkpoint.load_checkpoint(tmp_path / "checkpoint.pt"), MaskedAutoencoder)
    with pytest.raises(FloatingPointError, match="the loss over 8 images is nan"):
        evaluate(model, pixels_of(8), 0.5)


def test_the_command_says_that_a_training_diverged(tmp_path, capsys):
    for i, image in enumerate(pixels_of(8)):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i}.png")
    options = ["--epochs", 3, "--batch-size", 4, "--warmup", 0, "--patch-size", 4, "--holdout", 0]
    line = usage_error(
        capsys, "train-mae", tmp_path, "--out", tmp_path / "out", "--rate", 1e30, *options
    )
    assert "try a smaller rate" in line


@BAD
def test_descent_on_what_is_not_finite_is_refused(bad):
    images = RNG.random((5, 8, 8))
    images[2, 3, 4] = bad
    with pytest.raises(ValueError, match=r"images holds 1 values that are not finite"):
        descend(LinearAutoencoder(GRID), images, uniform_masking(4, 0.5))


@pytest.mark.parametrize("corruption", [GaussianNoise(0.1), NoCorruption()])
def test_descent_on_hidden_patches_needs_hidden_patches(corruption):
    """Else its loss is zero from the first step on, and nothing is learned."""
    with pytest.raises(ValueError, match="it hides no whole patches, so that none is scored"):
        descend(LinearAutoencoder(GRID), RNG.random((5, 8, 8)), corruption, hidden_only=True)


def test_descent_that_diverges_is_stopped():
    config = DescentConfig(steps=50, batch=4, rate=1e30, warmup=0.0)
    with pytest.raises(FloatingPointError, match=r"the loss is .* at step=1: try a smaller rate"):
        descend(
            LinearAutoencoder(GRID), RNG.random((5, 8, 8)), uniform_masking(4, 0.5), config=config
        )


@pytest.mark.parametrize(
    ("make", "options"),
    [
        *((DescentConfig, o) for o in (
            {"steps": 0}, {"batch": 0}, {"rate": np.nan}, {"rate": -1.0}, {"rate": 1e31},
            {"warmup": 1.5})),
        *((ClassifyConfig, o) for o in (
            {"epochs": 0}, {"batch": 1}, {"rate": np.inf}, {"weight_decay": -1.0},
            {"warmup": np.nan}, {"rng": -1})),
    ],
)  # fmt: skip
def test_plans_of_no_steps_or_no_numbers_are_refused(make, options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        make(**options)


@pytest.mark.parametrize(("step", "steps"), [(0, 0), (5, 5), (-1, 5)])
def test_a_schedule_has_no_rate_outside_its_steps(step, steps):
    with pytest.raises(ValueError, match=f"step={step} is not one of steps={steps}"):
        warmup_cosine(step, steps, 0)


# CKA and HSIC ------------------------------------------------------------------------------------


@BAD
def test_similarity_of_what_is_not_finite_is_refused(bad):
    good, spoiled = RNG.random((6, 3)), RNG.random((6, 3))
    spoiled[4, 1] = bad
    for pair, name in [((good, spoiled), "others"), ((spoiled, good), "features")]:
        with pytest.raises(
            ValueError, match=rf"{name} holds 1 values that are not finite, .*\(4, 1\)"
        ):
            unbiased_hsic(*pair)
    with pytest.raises(
        ValueError, match="layer 1 of the second network holds 1 values that are not"
    ):
        minibatch_cka([([good], [good, spoiled])])


def test_similarity_beyond_the_range_of_numbers_is_refused():
    x = RNG.random((6, 3))
    with pytest.raises(ValueError, match="features is too large"):
        unbiased_hsic(1e200 * x, x)
    with pytest.raises(ValueError, match="too large: HSIC is inf"):
        unbiased_hsic(1e120 * x, 1e120 * x)
    with pytest.raises(ValueError, match="layer 0 of the first network is too large: HSIC is inf"):
        minibatch_cka([([1e120 * x], [x])])


def test_similarity_of_tensors_is_that_of_arrays():
    x, y = RNG.integers(-8, 8, (6, 3)) / 4, RNG.random((6, 5))
    truth = unbiased_hsic(x, y)
    tensor = torch.tensor(x, dtype=torch.bfloat16, requires_grad=True)
    assert unbiased_hsic(tensor, torch.tensor(y)) == truth
    assert unbiased_hsic(x.astype(np.float16), y) == truth
    with pytest.raises(TypeError, match="features has dtype complex"):
        unbiased_hsic(x * 1j, y)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([([], [])], "networks of 0 and 0 layers"),
        ([([np.eye(5)], [])], "networks of 1 and 0 layers"),
        ([([np.eye(5)], [np.eye(5)]), ([np.eye(5)] * 2, [np.eye(5)])], r"\(2, 1\) layers after"),
        ([([3.0], [np.eye(5)])], "1 images: the unbiased estimate"),
    ],
)  # fmt: skip
def test_batches_that_do_not_fit_are_refused(batches, message):
    with pytest.raises(ValueError, match=message):
        minibatch_cka(batches)


def test_too_few_images_are_counted():
    with pytest.raises(ValueError, match="3 images are less than 4"):
        layer_similarity(model_of(), model_of(), pixels_of(3))


# Probes and classifiers --------------------------------------------------------------------------

X = RNG.standard_normal((80, 3)) + 3 * (np.arange(80) % 2)[:, np.newaxis]
LABELS = np.arange(80) % 2


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_a_probe_does_not_depend_on_units(scale):
    """The same fit, to its rounding, in any unit of features."""
    found = linear_probe(scale * X[:60], LABELS[:60], scale * X[60:], LABELS[60:])
    assert found.accuracy == linear_probe(X[:60], LABELS[:60], X[60:], LABELS[60:]).accuracy > 0.9


@BAD
@pytest.mark.parametrize("which", [0, 2])
def test_a_probe_of_what_is_not_finite_is_refused(bad, which):
    arguments = [X[:60].copy(), LABELS[:60], X[60:].copy(), LABELS[60:]]
    arguments[which][3, 1] = bad
    with pytest.raises(ValueError, match=r"features holds 1 values that are not finite"):
        linear_probe(*arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: LABELS[:60] - 1}, "labels holds -1; classes are numbered from 0"),
        ({3: LABELS[60:] - 1}, "test_labels holds -1"),
        ({1: LABELS[:60] + 0.5}, "labels of float64 and shape .* are not 60 integers"),
        ({1: LABELS[:59]}, r"shape \(59,\) are not 60 integers"),
        ({3: LABELS[60:79]}, r"test_labels of .* shape \(19,\) are not 20 integers"),
        ({1: np.full(60, 5)}, "60 images of 1 class with"),
        ({2: X[60:, :2]}, r"test_features of shape \(20, 2\), features of \(60, 3\)"),
        ({2: X[:0], 3: LABELS[:0]}, r"test_features of shape \(0, 3\)"),
        ({0: X[:60, 0]}, r"features of shape \(60,\) are not \(n, n_features\)"),
        ({0: 1e200 * X[:60]}, "features are too large"),
    ],
)
def test_a_probe_of_what_does_not_fit_is_refused(change, message):
    arguments = [X[:60], LABELS[:60], X[60:], LABELS[60:]]
    for place, value in change.items():
        arguments[place] = value
    with pytest.raises(ValueError, match=message):
        linear_probe(*arguments)


@pytest.mark.parametrize("options", [
    {"holdout": np.nan}, {"holdout": 0.0}, {"holdout": 1.5}, {"penalties": ()},
    {"penalties": (np.nan,)}, {"penalties": (-1.0,)},
])  # fmt: skip
def test_a_probe_that_cannot_be_tuned_is_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        linear_probe(X[:60], LABELS[:60], X[60:], LABELS[60:], **options)


def test_labels_are_those_of_the_classifier():
    classifier, pixels = Classifier(model_of(), 2), pixels_of(8)
    for labels, message in [
        (np.arange(8), "labels holds 2; classes are numbered from 0 to 1"),
        (np.zeros(7, int), r"shape \(7,\) are not 8 integers"),
        (np.full(8, -1), "labels holds -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_classifier(classifier, pixels, labels)
    with pytest.raises(ValueError, match=r"shape \(3,\) are not 8 integers"):
        accuracy(classifier, pixels, np.zeros(3, int))
    with pytest.raises(ValueError, match="one image: features are standardised by batch"):
        fit_classifier(classifier, pixels[:1], np.zeros(1, int))


def test_predicted_classes_do_not_depend_on_the_batch_and_leave_the_classifier_as_it_is():
    classifier, pixels = Classifier(model_of(), 3), pixels_of(9)
    torch.nn.init.normal_(classifier.head.weight)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    together = predicted_classes(classifier, pixels)
    alone = [int(predicted_classes(classifier, pixels[i : i + 1])[0]) for i in range(9)]
    assert together.tolist() == alone
    assert classifier.training
    assert all(torch.equal(v, before[k]) for k, v in classifier.state_dict().items())


def test_classifiers_that_are_no_numbers_are_refused():
    classifier, pixels = Classifier(model_of(), 2), pixels_of(8)
    config = ClassifyConfig(epochs=3, batch=4, rate=1e30, warmup=0.0)
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step=.: try a smaller rate"):
        fit_classifier(classifier, pixels, np.arange(8) % 2, config)
    with pytest.raises(FloatingPointError, match="scores of classes are not finite"):
        predicted_classes(classifier, pixels)
    with pytest.raises(ValueError, match=r"features holds .* not finite"):
        features_of(classifier.model, pixels)


# Responses and Jacobians -------------------------------------------------------------------------

IMAGES = RNG.random((6, 8, 8))


def copy_of(images, _kept):
    return np.array(images)


@BAD
def test_a_response_of_what_is_not_finite_is_refused(bad):
    spoiled = IMAGES.copy()
    spoiled[1, 2, 3] = bad
    with pytest.raises(ValueError, match=r"images holds 1 values .*\(1, 2, 3\)"):
        measured_response(copy_of, spoiled, GRID, 0.5)
    with pytest.raises(ValueError, match="the reconstruction holds 1 values"):
        measured_response(lambda *_: spoiled, IMAGES, GRID, 0.5)
    with pytest.raises(ValueError, match="the reconstruction holds 1 values"):
        measured_response(lambda *_: spoiled, IMAGES, GRID, 0.5, target="hidden")
    with pytest.raises(ValueError, match="mean holds 1 values"):
        measured_response(copy_of, IMAGES, GRID, 0.5, mean=spoiled[1])


@pytest.mark.parametrize("target", ["all", "hidden"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (6, 8, 1), (6, 8, 8, 1), (8, 8)])
def test_reconstructions_are_not_stretched(target, shape):
    with pytest.raises(ValueError, match=r"a reconstruction of shape .* of images of"):
        measured_response(lambda *_: np.zeros(shape), IMAGES, GRID, 0.5, target=target)


def test_images_that_do_not_fit_have_no_response():
    for images in (IMAGES[:0], IMAGES[0], IMAGES[:, :4], IMAGES[..., None, None]):
        with pytest.raises(ValueError, match="images of shape"):
            measured_response(copy_of, images, GRID, 0.5)
    with pytest.raises(ValueError, match="mean of shape"):
        measured_response(copy_of, IMAGES, GRID, 0.5, mean=np.zeros((8, 1)))
    with pytest.raises(ValueError, match="truth of shape"):
        response_of(IMAGES[:, :4], [IMAGES[:, :4]] * 2, GRID)


def test_outputs_that_are_not_there_have_no_derivative():
    image = torch.rand(1, 8, 8)
    for place in (-1, 64):
        with pytest.raises(ValueError, match=f"output {place} is not one of 64"):
            jacobian_rows(torch.sin, image, np.array([0, place]))
    with pytest.raises(ValueError, match="no outputs"):
        jacobian_rows(torch.sin, image, np.array([], int))
    for wrong in (image[0], torch.zeros(1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(ValueError, match=r"is not of floats, \(channels, H, W\)"):
            jacobian_rows(torch.sin, wrong, np.array([0]))
    with pytest.raises(ValueError, match="the function makes 1 of 2 images"):
        jacobian_rows(lambda x: x.mean(0, keepdim=True), image, np.array([0, 1]))
    for pixel in ((-1, 0), (8, 0), (0, 8), (0,)):
        with pytest.raises(ValueError, match="is not in an image of shape"):
            receptive_field(torch.sin, image, GRID, pixel)
    with pytest.raises(ValueError, match="channel=1"):
        receptive_field(torch.sin, image, GRID, (0, 0), channel=1)


def test_derivatives_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="no finite derivative at this image"):
        receptive_field(torch.sqrt, torch.zeros(1, 8, 8), GRID, (0, 0))
    with pytest.raises(ValueError, match="matrix holds 1 values"):
        singular_values(np.diag([1.0, np.nan]))
    with pytest.raises(ValueError, match="a matrix of shape"):
        singular_values(np.ones(3))


def test_images_of_a_mean_are_of_one_shape():
    points = [(torch.sin, torch.rand(1, 8, 8)), (torch.sin, torch.rand(3, 8, 8))]
    with pytest.raises(ValueError, match=r"an image of shape \(3, 8, 8\) is not"):
        mean_receptive_field(points, GRID, (0, 0))


def test_models_as_functions_say_what_they_take():
    with pytest.raises(ValueError, match=r"images of shape \(0, 8, 8\): there is none"):
        filler(model_of())(IMAGES[:0], np.ones((0, 4), bool))
    for mean, message in [
        (np.zeros((8, 1)), "mean of shape"),
        (np.full((8, 8), np.nan), "mean holds"),
    ]:
        with pytest.raises(ValueError, match=message):
            AboutMean(model_of(), mean)
    swapped = IMAGES.astype(">f8")
    kept = np.tile([True, False, True, False], (6, 1))
    assert np.array_equal(filler(model_of())(swapped, kept), filler(model_of())(IMAGES, kept))


# Labelled images ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "labels", "classes", "message"),
    [
        (pixels_of(3) / 255.0, None, (), "pixels of float64"),
        (pixels_of(3)[..., 0], None, (), r"pixels of uint8 and shape \(3, 8, 8\)"),
        (pixels_of(3), [0, 1], ("a", "b"), "are not 3 integers"),
        (pixels_of(3), [0, 1, 2], ("a", "b"), "labels holds 2; classes are numbered from 0 to 1"),
    ],
)
def test_images_and_labels_fit(pixels, labels, classes, message):
    with pytest.raises(ValueError, match=message):
        LabelledImages(pixels, labels if labels is None else np.array(labels), classes)


def test_one_path_is_not_taken_for_its_letters(tmp_path):
    for i, image in enumerate(pixels_of(3)):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i}.png")
    assert len(read_labelled(str(tmp_path), color=False)) == 3
    assert len(read_labelled(tmp_path, color=False)) == 3


def test_damaged_archives_and_their_members_are_said(tmp_path):
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for i, image in enumerate(pixels_of(3)):
            Image.fromarray(image[..., 0]).save(tmp_path / "image.png")
            archive.write(tmp_path / "image.png", f"{i}.png")
    data = bytearray(file.read_bytes())
    data[data.index(b"1.png") + 60] ^= 255  # within the pixels of the second
    file.write_bytes(data)
    found = read_labelled([file], color=False)
    assert len(found) == 2
    assert list(found.failed) == [f"{file}/1.png"]
    assert "damaged in its archive" in found.failed[f"{file}/1.png"]
    for name, message in [
        ("x.zip", "cannot be read as a zip archive"),
        ("x.tar.gz", "is damaged, or no tar archive"),
        ("x.tar.bz2", "cannot be read as a tar archive"),
    ]:
        (tmp_path / name).write_bytes(b"no archive")
        with pytest.raises(ValueError, match=message):
            read_labelled([tmp_path / name])


def test_members_with_a_password_are_named(tmp_path):
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for i, image in enumerate(pixels_of(2)):
            Image.fromarray(image[..., 0]).save(tmp_path / "image.png")
            archive.write(tmp_path / "image.png", f"{i}.png")
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # the directory says that the first is encrypted
    file.write_bytes(data)
    found = read_labelled([file], color=False)
    assert len(found) == 1
    assert found.failed == {f"{file}/0.png": "encrypted in its archive"}


def test_values_that_eight_bits_would_clip_are_refused(tmp_path):
    np.save(tmp_path / "unit.npy", pixels_of(2)[..., 0] / 255)
    np.save(tmp_path / "bytes.npy", pixels_of(2)[..., 0].astype(float))
    found = read_labelled([tmp_path / "unit.npy", tmp_path / "bytes.npy"], color=False)
    assert np.array_equal(found.pixels, pixels_of(2))
    assert list(found.failed) == [f"{tmp_path}/bytes.npy[{i}]" for i in range(2)]
    assert all("those of images are from 0 to 1" in why for why in found.failed.values())


def test_a_share_is_a_share():
    images = LabelledImages(pixels_of(10))
    for share in (np.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="share="):
            images.split(share)


def test_sweeps_name_classes_alike():
    images = LabelledImages(pixels_of(8), np.arange(8) % 2, ("cats", "dogs"))
    other = LabelledImages(pixels_of(8), np.arange(8) % 2, ("birds", "dogs"))
    config = TrainConfig(epochs=1, batch=4)
    with pytest.raises(ValueError, match=r"classes \('cats', 'dogs'\) and, of test images, \('bir"):
        train_sweep(images, other, model_of().config, config, [{"depth": 1}])
    assert TrainingSweep([]).to_dict() == {}
    for wrong in (0, -5):
        with pytest.raises(ValueError, match=f"probe_images={wrong} is not at least 1"):
            train_sweep(images, images, model_of().config, config, [{}], probe_images=wrong)


def test_what_has_no_power_has_no_share_that_is_explained():
    images = LabelledImages(np.full((8, 8, 8, 1), 7, np.uint8))
    rows = train_sweep(images, images, model_of().config, TrainConfig(epochs=1, batch=4), [{}]).rows
    assert np.isnan(rows[0]["explained"])
