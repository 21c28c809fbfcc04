"""Files of tensors: what they hold is read, what is damaged is refused as documented."""

import json
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import PatchGrid
from spectral_mae.nonlinear import checkpoint
from spectral_mae.nonlinear.linear_autoencoder import LinearAutoencoder
from spectral_mae.nonlinear.pretrained import load_official
from spectral_mae.nonlinear.tensor_files import TYPES, read_safetensors, torch_content
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

torch.set_num_threads(1)

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
HALF = np.array([1.5, -2], np.float16)


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def safetensors(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_safetensors_are_their_bytes(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "b": entry("F16", (2,), (24, 28)),
        "a": entry(),
        "none": entry("I64", (0, 3), (28, 28)),
        "one": entry("BOOL", (), (28, 29)),
    }
    file = tmp_path / "x.safetensors"
    file.write_bytes(safetensors(header, VALUES.tobytes() + HALF.tobytes() + b"\x01"))
    found = read_safetensors(file)
    assert list(found) == ["b", "a", "none", "one"]
    assert np.array_equal(found["a"], VALUES)
    assert np.array_equal(found["b"], HALF)
    assert found["none"].shape == (0, 3)
    assert found["one"].item() is True


@pytest.mark.parametrize("name", TYPES)
def test_types_are_those_of_the_peer(tmp_path, name):
    peer = pytest.importorskip("safetensors.torch", reason="the peer package is not installed")
    values = {"x": torch.tensor([[0, 1, 1]]).to(TYPES[name]), "y": torch.ones(4, dtype=TYPES[name])}
    peer.save_file(values, tmp_path / "x.safetensors")
    found = read_safetensors(tmp_path / "x.safetensors")
    assert all(torch.equal(found[key], values[key]) for key in values)
    assert found["x"].dtype == TYPES[name]


DAMAGED = {
    "negative offsets": ({"a": entry(offsets=(-24, 0))}, 24, "data_offsets"),
    "an end before the start": ({"a": entry(offsets=(24, 0))}, 24, "needs 24 bytes"),
    "offsets that are no integers": ({"a": entry(offsets=(0.0, 24.0))}, 24, "data_offsets"),
    "one offset": ({"a": entry(offsets=(24,))}, 24, "data_offsets"),
    "true for an offset": ({"a": entry("U8", (1,), (0, True))}, 1, "data_offsets"),
    "overlapping tensors": ({"a": entry(), "b": entry(offsets=(12, 36))}, 36, "begins at byte 12"),
    "one place for two": ({"a": entry(), "b": entry()}, 24, "begins at byte 0, not at 24"),
    "a hole": ({"a": entry(), "b": entry(offsets=(28, 52))}, 52, "b begins at byte 28, not at 24"),
    "a hole at the start": ({"a": entry(offsets=(4, 28))}, 28, "a begins at byte 4, not at 0"),
    "bytes left over": ({"a": entry()}, 25, "its tensors have 24 bytes, and it holds 25"),
    "cut off": ({"a": entry()}, 23, "its tensors have 24 bytes, and it holds 23"),
    "far out of range": ({"a": entry("U8", (2**70,), (0, 2**70))}, 24, "and it holds 24"),
    "another size": ({"a": entry(shape=(2, 2))}, 24, "needs 16 bytes"),
    "a negative shape": ({"a": entry(shape=(-2, -3))}, 24, r"shape=\[-2, -3\]"),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 24]}}, 24, "shape=None"),
    "another type": ({"a": entry("F4")}, 24, "of type 'F4', none of F64, F32"),
    "a type that is no word": ({"a": entry(["F32"])}, 24, r"\['F32'\]"),
    "an entry that is none": ({"a": 3}, 24, "a has shape=None"),
    "no names": (b"[1]", 0, r"holds no names, but \[1\]"),
    "no JSON": (b"{" * 9, 0, "the header of .* is not JSON"),
    "deep JSON": (b"[" * 200_000, 0, "is not JSON"),
    "no text": (b"\xff\xfe{}", 0, "is not JSON"),
    "a name that stands twice": (
        b'{"a": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}, "a": {}}', 1, "stands twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_safetensors_are_refused(tmp_path, kind):
    header, size, message = DAMAGED[kind]
    file = tmp_path / "x.safetensors"
    file.write_bytes(safetensors(header, bytes(size)))
    with pytest.raises(ValueError, match=message) as refusal:
        read_safetensors(file)
    assert "x.safetensors" in str(refusal.value)


@pytest.mark.parametrize(
    "data", [b"", b"1234567", b"\xff" * 8, b"\xff" * 100, b"\0\0\0\0\0\0\0\x7f{}"]
)
def test_files_without_a_header_are_refused(tmp_path, data):
    file = tmp_path / "x.safetensors"
    file.write_bytes(data)
    with pytest.raises(ValueError, match="is not a safetensors file, or is cut off"):
        read_safetensors(file)


def test_what_is_refused_is_what_the_peer_refuses(tmp_path):
    """Whatever byte of a header is changed: read as the peer reads it, or refused as it does."""
    peer = pytest.importorskip("safetensors.torch", reason="the peer package is not installed")
    header = json.dumps({"a": entry(), "b": entry("F16", (2,), (24, 28))}).encode()
    whole = safetensors(header, VALUES.tobytes() + HALF.tobytes())
    file = tmp_path / "x.safetensors"
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for place in rng.integers(0, 8 + len(header), rng.integers(1, 3)):
            damaged[place] = rng.choice([*b'0123456789-[]{},":FIU. e', rng.integers(256)])
        file.write_bytes(damaged)
        try:
            expected = peer.load_file(file)
        except Exception:  # noqa: BLE001 - whatever the peer says
            expected = None
        try:
            found = read_safetensors(file)
        except ValueError:
            found = None
            refused += 1
        if found is not None and expected is not None:
            assert found.keys() == expected.keys()
            assert all(torch.equal(found[k], expected[k]) for k in found)
        else:
            # The peer's JSON is stricter about control characters, and its types are more.
            assert found is None or expected is None
        if expected is not None and found is None:
            assert not {v.dtype for v in expected.values()} <= set(TYPES.values())
    assert refused > 100


# Files of torch.save ------------------------------------------------------------------------------


class Foreign:
    """A class that no file may bring along."""


def assert_refused_in_a_sentence(read, file, message="x.pt"):
    with pytest.raises(ValueError, match=message) as refusal:
        read(file)
    text = str(refusal.value)
    assert "weights_only" not in text
    assert "\n" not in text
    chain = refusal.value.__cause__
    assert chain is None or "weights_only" not in str(chain)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is chain


READERS = pytest.mark.parametrize(
    "read", [torch_content, load_official, checkpoint.load_checkpoint]
)


@READERS
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": Foreign()}, r"object of test_nonlinear_tensor_files.Foreign, .*state_dict\(\)"),
        (MaskedAutoencoder(MAEConfig((8, 8), 4, 1)), "object of spectral_mae.nonlinear.vit."),
        (print, "object of print, and reading it would run code"),
    ],
)  # fmt: skip
def test_objects_are_refused_without_the_advice_to_run_them(tmp_path, read, content, message):
    torch.save(content, tmp_path / "x.pt")
    assert_refused_in_a_sentence(read, tmp_path / "x.pt", message)


@READERS
@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"no pickle at all", b"PK\x03\x04" + bytes(60), pickle.dumps({"a": 1}),
        pickle.dumps(Foreign()), bytes(1000), b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    ],
)  # fmt: skip
def test_files_of_another_kind_are_refused(tmp_path, read, data):
    (tmp_path / "x.pt").write_bytes(data)
    assert_refused_in_a_sentence(read, tmp_path / "x.pt")


@READERS
def test_programs_are_refused(tmp_path, read):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch will drop them one day
        torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "x.pt")
        assert_refused_in_a_sentence(read, tmp_path / "x.pt", "x.pt' is a TorchScript archive")


@READERS
def test_folders_and_missing_files_are_named(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pt"):
        read(tmp_path / "nothing.pt")
    with pytest.raises(ValueError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("legacy", [False, True])
def test_damaged_files_are_refused_and_nothing_else(tmp_path, legacy):
    """Cut at every length, and with bytes changed all over: whole content, or ``ValueError``."""
    file = tmp_path / "x.pt"
    model = LinearAutoencoder(PatchGrid((2, 2), 2))
    content = {"format": checkpoint.FORMAT, "kind": "linear", "state": model.state_dict()}
    content["settings"] = checkpoint.settings_of(model)
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[:n] for n in range(0, len(whole), max(len(whole) // 60, 1))]
    for place in rng.integers(0, len(whole), 240):
        damaged.append(whole[:place] + bytes([rng.integers(256)]) + whole[place + 1 :])
    refused = []
    for data in damaged:
        file.write_bytes(data)
        try:
            checkpoint.load_checkpoint(file)
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) > 60
    assert all("x.pt" in text and "weights_only" not in text for text in refused)


# Our own models ----------------------------------------------------------------------------------


def test_models_of_early_files_are_still_read(tmp_path):
    """Their settings have no widths of MLPs, and 28 · (61/28) was taken for 60."""
    torch.manual_seed(0)
    model = MaskedAutoencoder(
        MAEConfig((8, 8), 4, 1, width=28, heads=4, mlp_width=60, decoder_mlp_width=139)
    )
    checkpoint.save(tmp_path / "model.pt", model)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    for name in ("mlp_width", "decoder_mlp_width"):
        del content["settings"][name]
    content["settings"]["mlp_ratio"] = 61 / 28
    torch.save(content, tmp_path / "model.pt")
    again = checkpoint.load_checkpoint(tmp_path / "model.pt")
    assert again.config.mlp_widths == (60, 139)
    images, kept = torch.rand(2, 1, 8, 8), torch.tensor([[True, False, True, False]] * 2)
    assert torch.equal(again(images, kept), model.eval()(images, kept))


def test_hidden_widths_are_whole():
    assert MAEConfig((8, 8), 4, width=28, heads=4, mlp_ratio=61 / 28).mlp_widths[0] == 61
    assert MAEConfig((8, 8), 4, width=44, heads=4, mlp_ratio=98 / 44).mlp_widths[0] == 98
    assert MAEConfig((8, 8), 4, width=16, mlp_ratio=2.7, decoder_mlp_width=9).mlp_widths == (43, 9)
    for wrong in ({"mlp_ratio": 0.01}, {"mlp_ratio": float("nan")}, {"mlp_ratio": -1.0},
                  {"mlp_width": 0}, {"norm_eps": 0.0}, {"norm_eps": float("inf")}):  # fmt: skip
        (name,) = wrong
        with pytest.raises(ValueError, match=name):
            MAEConfig((8, 8), 4, **wrong)


@pytest.mark.parametrize("name", ["kind", "settings", "state"])
def test_models_that_are_not_all_there_are_refused(tmp_path, name):
    file = tmp_path / "model.pt"
    checkpoint.save(file, MaskedAutoencoder(MAEConfig((8, 8), 4, 1)))
    whole = torch.load(file, weights_only=True)
    changes = [{k: v for k, v in whole.items() if k != name}, whole | {name: 3}, whole | {name: {}}]
    for content in changes:
        torch.save(content, file)
        with pytest.raises(ValueError, match=r"model\.pt"):
            checkpoint.load_checkpoint(file)
