"""Files that fsspec reaches: image files, patterns, folders, arrays, files of several images."""

import io

import numpy as np
import pytest
from containers import COLOUR, GRAY, STACK, labels, read
from PIL import Image

import spectral_mae as sm
from spectral_mae.images.containers import remote
from spectral_mae.images.containers.remote import local_copy, remote_stamp
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources

fsspec = pytest.importorskip("fsspec")


def encoded(array):
    data = io.BytesIO()
    Image.fromarray(array).save(data, "PNG")
    return data.getvalue()


def npy(array):
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """Files in memory, and a folder for copies of them."""
    monkeypatch.setenv(remote.CACHE, str(tmp_path / "copies"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for name, data in {
        "a/0.png": encoded(GRAY[0]),
        "a/1.png": encoded(GRAY[1]),
        "a/deep/2.png": encoded(COLOUR[2]),
        "a/.hidden/3.png": encoded(GRAY[0]),
        "a/notes.txt": b"no image",
        "s.npy": npy(STACK),
    }.items():
        system.pipe(f"/{name}", data)
    yield system
    system.store.clear()


def test_image_files_are_read_where_they_lie(bucket, tmp_path):
    (reference,) = find_sources(["memory://a/0.png"]).references
    assert reference.title == "memory://a/0.png"
    np.testing.assert_array_equal(read([reference])[0].pixels, GRAY[0] / 255)
    np.testing.assert_array_equal(sm.read_image("memory://a/1.png").pixels, GRAY[1] / 255)
    assert not (tmp_path / "copies").exists()


def test_folders_and_patterns(bucket):
    names = [one.name for one in find_sources(["memory://a/"]).references]
    assert names == ["0.png", "1.png", "2.png"]
    found = find_sources(["memory://a/*.png"]).references
    assert [one.name for one in found] == ["0.png", "1.png"]
    found = find_sources(["memory://a/{0..1}.png", "memory://a/1.png"]).references
    assert [one.name for one in found] == ["0.png", "1.png"]
    assert find_sources(["memory://a"]).passed_over == 1


def test_arrays_are_copied_once(bucket, tmp_path):
    references = find_sources(["memory://s.npy"]).references
    assert references[3].title == "memory://s.npy[3]"
    np.testing.assert_array_equal(read(references[3:4])[0].pixels, STACK[3])
    (copy,) = [path for path in (tmp_path / "copies").rglob("*") if path.is_file()]
    before = copy.stat().st_mtime_ns
    again = find_sources(["memory://s.npy::[3]"]).references
    assert again[0] == references[3]
    assert copy.stat().st_mtime_ns == before
    bucket.pipe("/s.npy", npy(-STACK))
    changed = find_sources(["memory://s.npy"]).references
    assert changed[3].stamp != references[3].stamp
    np.testing.assert_array_equal(read(changed[3:4])[0].pixels, -STACK[3])


def test_files_of_several_images_take_selectors(bucket, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = STACK
    bucket.pipe("/x.h5", (tmp_path / "a.h5").read_bytes())
    references = find_sources(["memory://x.h5::/raw[1:3]"]).references
    assert labels(references) == ["/raw[1]", "/raw[2]"]
    np.testing.assert_array_equal(read(references)[0].pixels, STACK[1])
    image = sm.read_image("memory://x.h5::/raw[4]")
    np.testing.assert_array_equal(image.pixels, STACK[4])


def test_zarr_reads_urls_itself(bucket):
    zarr = pytest.importorskip("zarr")
    zarr.open_group("memory://z.zarr", mode="w").create_array("a", data=STACK)
    references = find_sources(["memory://z.zarr::a[2]"]).references
    np.testing.assert_array_equal(read(references)[0].pixels, STACK[2])


def test_what_cannot_be_reached_is_told(bucket):
    with pytest.raises(FileNotFoundError, match="no file at 'memory://none/'"):
        find_sources(["memory://none/"])
    with pytest.raises((FileNotFoundError, ValueError), match=r"memory://none\.png"):
        find_sources(["memory://none.png"])
    with pytest.raises(ImageRefused, match="no such file"):
        sm.read_image("memory://none.png")
    with pytest.raises(ValueError, match=r"'nosuch://a\.png' cannot be read: .*nosuch"):
        find_sources(["nosuch://a.png"])


def test_large_files_are_refused_when_their_limit_is_reached(bucket):
    bucket.pipe("/big.png", bytes(2**20 + 17 * 100))
    with pytest.raises(ImageRefused, match="too large: more than"):
        sm.read_image("memory://big.png", max_pixels=100)


def test_lists_hold_urls(bucket, tmp_path):
    (tmp_path / "list.txt").write_text("memory://a/0.png\nmemory://s.npy::[1]\n")
    found = find_sources([f"@{tmp_path / 'list.txt'}"]).references
    assert [one.title for one in found] == ["memory://a/0.png", "memory://s.npy[1]"]


def test_without_fsspec_one_line_says_what_to_install(monkeypatch):
    import sys

    for name in [one for one in sys.modules if one.partition(".")[0] == "fsspec"]:
        monkeypatch.setitem(sys.modules, name, None)
    line = r"https:// needs fsspec, which is not installed: pip install -e '\.\[remote\]'"
    with pytest.raises(ValueError, match=line):
        find_sources(["https://example.invalid/a.png"])
    with pytest.raises(ImageRefused, match=line):
        sm.read_image("https://example.invalid/a.png")


def test_the_copy_lies_where_the_variable_says(bucket, tmp_path):
    path = local_copy("memory://s.npy", remote_stamp("memory://s.npy"))
    assert path.is_relative_to(tmp_path / "copies")
    assert path.name == "s.npy"
    np.testing.assert_array_equal(np.load(path), STACK)


def test_http_servers(tmp_path, bucket):
    pytest.importorskip("aiohttp")
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "a.png").write_bytes(encoded(GRAY[0]))
    np.save(folder / "s.npy", STACK)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        np.testing.assert_array_equal(sm.read_image(f"{base}/a.png").pixels, GRAY[0] / 255)
        references = find_sources([f"{base}/s.npy::[2]", f"{base}/a.png"]).references
        np.testing.assert_array_equal(read(references[:1])[0].pixels, STACK[2])
        with pytest.raises((OSError, ValueError), match=r"none\.png"):
            find_sources([f"{base}/none.png"])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
