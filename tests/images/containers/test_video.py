"""Frames of videos, which PyAV has written."""

import numpy as np
import pytest
from containers import assert_damage_is_told, found, labels, pixels, read

import spectral_mae as sm

av = pytest.importorskip("av")
N = 60
FRAMES = np.random.default_rng(0).integers(0, 256, (N, 24, 32), np.uint8)


def write(path, codec, frames, pixel_format, **options):
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=24, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixel_format
        kind = "gray" if frames.ndim == 3 else "rgb24"
        for array in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), kind)
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


@pytest.fixture
def film(tmp_path):
    """Lossless and gray: the pixels are those that were written."""
    return write(tmp_path / "a.mkv", "ffv1", FRAMES, "gray")


def test_frames_are_those_that_were_written(film):
    np.testing.assert_array_equal(pixels(film), FRAMES / 255)


def test_some_frames_are_chosen(film):
    assert labels(found(film, "every=25")) == ["[0]", "[25]", "[50]"]
    np.testing.assert_array_equal(pixels(film, "[10:40:7]"), FRAMES[10:40:7] / 255)
    np.testing.assert_array_equal(sm.read_image(f"{film}::[-1]").pixels, FRAMES[-1] / 255)
    with pytest.raises(ValueError, match=r"holds 60 frames, counted from 0: there is no 60"):
        found(film, "[60]")
    with pytest.raises(ValueError, match=r"holds no 'x': choose frames with ::\[10:20\]"):
        found(film, "x")


@pytest.mark.parametrize("ahead", [0, 3, 300])
def test_frames_in_any_order(film, ahead, monkeypatch):
    from spectral_mae.images.containers.formats import video

    monkeypatch.setattr(video, "_AHEAD", ahead)
    order = [50, 3, 4, 4, 59, 0, 30]
    references = found(film)
    images = read([references[i] for i in order])
    np.testing.assert_array_equal(np.stack([one.pixels for one in images]), FRAMES[order] / 255)


@pytest.mark.parametrize("ahead", [0, 300])
def test_frames_between_key_frames_are_found(tmp_path, ahead, monkeypatch):
    """H.264 stores most frames as differences, and in another order than they are shown."""
    from spectral_mae.images.containers.formats import video

    monkeypatch.setattr(video, "_AHEAD", ahead)
    flat = np.broadcast_to((4 * np.arange(N, dtype=np.uint8))[:, None, None, None], (N, 32, 32, 3))
    encoding = {"g": "12", "bf": "3", "x264-params": "b-adapt=0:scenecut=0"}
    path = write(tmp_path / "a.mp4", "libx264", flat, "yuv420p", **encoding)
    with av.open(str(path)) as file:
        times = [packet.pts for packet in file.demux(video=0) if packet.size]
    assert times != sorted(times)
    order = [40, 5, 17, 59, 0, 1]
    references = found(path)
    assert len(references) == N
    means = [255 * read([references[i]])[0].pixels.mean() for i in order]
    np.testing.assert_allclose(means, 4 * np.array(order), atol=2)
    colours = read([references[30]], color=True)[0].pixels
    assert colours.shape == (32, 32, 3)


def test_more_than_eight_bits_are_kept(tmp_path):
    deep = np.random.default_rng(1).integers(0, 2**16, (3, 24, 32), np.uint16)
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        stream = file.add_stream("ffv1", rate=24)
        stream.height, stream.width, stream.pix_fmt = 24, 32, "gray16le"
        for array in deep:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(array, "gray16le")))
        file.mux(stream.encode())
    np.testing.assert_array_equal(pixels(tmp_path / "a.mkv"), deep / 65535)


def test_a_file_without_frames_is_told(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        file.mux(stream.encode(sound))
        file.mux(stream.encode())
    with pytest.raises(ValueError, match=r"a\.mkv' holds no video"):
        found(tmp_path / "a.mkv")


def test_damage_is_told(film):
    assert_damage_is_told(film, "a.mkv", keep=0.02)
    with pytest.raises(ValueError, match="cannot be read as video"):
        found(film)


def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes(film):
    data = film.read_bytes()
    references = found(film)
    film.write_bytes(data[: len(data) // 2])
    assert len(found(film)) < N
    with pytest.raises(ValueError, match=r"damaged or cut off|cannot be read as video"):
        read(references[-1:])
