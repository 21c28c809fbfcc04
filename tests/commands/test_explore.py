"""``spectral-mae explore``: what it writes, says and refuses."""

from command_runs import run, usage_error, write_images


def test_a_page_of_built_in_images(tmp_path, capsys):
    page = tmp_path / "new" / "explore.html"
    assert run("explore", "--out", page) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{page}: Camera, Grass, Random field (")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run("explore", "--out", page) == 0  # its own page is replaced


def test_a_folder_with_a_broken_image(tmp_path, capsys):
    folder = write_images(tmp_path / "images")
    assert run("explore", folder, "--out", tmp_path / "explore.html") == 1
    printed = capsys.readouterr()
    assert "0.png, 1.png" in printed.out
    assert printed.err.startswith(f"failed: {folder / '<b>bad&.png'}: ")


def test_nothing_that_can_be_used(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"no image")
    assert run("explore", tmp_path / "a.png", "--out", tmp_path / "explore.html") == 3
    assert capsys.readouterr().err.startswith("no image could be used: ")
    assert not (tmp_path / "explore.html").exists()


def test_what_cannot_work(tmp_path, capsys):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>mine</p>")
    assert "the name must end in .html" in usage_error(
        capsys, "explore", "--out", tmp_path / "a.png"
    )
    assert "--overwrite to replace it" in usage_error(capsys, "explore", "--out", page)
    assert "no file" in usage_error(
        capsys, "explore", tmp_path / "none.png", "--out", page, "--overwrite"
    )
    assert page.read_text() == "<!doctype html><p>mine</p>"
    assert run("explore", "builtin:cat", "--out", page, "--overwrite") == 0
    assert "max_pixels=0" in usage_error(capsys, "explore", "--max-pixels", 0, "--out", page)
