"""Run the lessons from top to bottom, and write their outputs back.

``python notebooks/execute.py [NAME ...] [--check]``; without names all lessons. Each runs in a
kernel of its own, together with the code of its folded answers. What is written is the same
whenever the sources are: no times, no paths. ``--check`` writes nothing, and exits with 1 if the
outputs in a file are not those of its sources.
"""

import argparse
import asyncio
import base64
import hashlib
import io
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError
from PIL import Image

FOLDER = Path(__file__).parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PICTURE = re.compile(r"data:image/webp;base64,([A-Za-z0-9+/=]+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# Clients of two kernels in threads of one process were seen to wait for ever for a reply.
AT_ONCE = 1
ATTEMPTS = 3  # of a lesson whose kernel does not answer
CELL_SECONDS = 150
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TOLERANCE = 4.0  # mean absolute difference of pictures, of 255: letters may differ a little


def lessons() -> list[Path]:
    """The notebooks, in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def answers(cell: nbformat.NotebookNode) -> list[str]:
    """The code of the folded answers in a cell."""
    folded = re.findall(r"<details>.*?</details>", cell.source, flags=re.S)
    if cell.cell_type != "markdown":
        return []
    return [code for text in folded for code in re.findall(r"```python\n(.*?)```", text, re.S)]


def source_hash(notebook: nbformat.NotebookNode) -> str:
    """What the outputs of a notebook depend on, in short."""
    code = [
        source
        for cell in notebook.cells
        for source in ([cell.source] if cell.cell_type == "code" else answers(cell))
    ]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()


def run(path: Path) -> nbformat.NotebookNode:
    """A notebook with fresh outputs.

    An error in a cell or in an answer is a CellExecutionError. A message of a kernel may be lost: a
    lesson that gets no answer is run again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return run_once(path)
        except CellTimeoutError:
            continue
    return run_once(path)


def run_once(path: Path) -> nbformat.NotebookNode:
    """A notebook with fresh outputs, from one kernel."""
    notebook = nbformat.read(path, as_version=4)
    shown = []
    whole = nbformat.v4.new_notebook(metadata=METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown.append(cell)
        whole.cells.append(cell)
        whole.cells += [nbformat.v4.new_code_cell(code) for code in answers(cell)]
    client = NotebookClient(
        whole,
        timeout=CELL_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    asyncio.run(client.async_execute(env=environment()))
    for count, cell in enumerate(shown, start=1):
        cell.outputs = [plain(output) for output in cell.outputs]
        cell.execution_count = count
        cell.metadata.pop("execution", None)
    for cell in notebook.cells:
        cell.metadata.pop("trusted", None)
    notebook.metadata = nbformat.from_dict({**METADATA, "sources": source_hash(notebook)})
    return notebook


def environment() -> dict[str, str]:
    """The variables of a kernel: its own backend of pictures, and one thread for BLAS.

    Threads of BLAS wait for each other on a busy machine, so what the shell sets does not count.
    """
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | dict.fromkeys(THREADS, "1")


def plain(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without a count, and a picture without its size in words."""
    if output.output_type == "execute_result":
        output = nbformat.v4.new_output("display_data", output.data, metadata=output.metadata)
    if "image/png" in output.get("data", {}):
        output.data["text/plain"] = "picture"
    return output


def pack(notebook: nbformat.NotebookNode) -> None:
    """Store the pictures in fewer bytes, without what the library that drew them says of itself."""
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            packed = io.BytesIO()
            few = decoded(output).quantize(256, dither=Image.Dither.NONE)
            few.save(packed, "PNG", optimize=True)
            output.data["image/png"] = base64.b64encode(packed.getvalue()).decode()


def decoded(output: nbformat.NotebookNode) -> Image.Image:
    """The picture of an output."""
    return Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB")


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs of a notebook, in order."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def page(output: nbformat.NotebookNode) -> str:
    """The HTML of an output; empty if it has none."""
    return output.get("data", {}).get("text/html", "")


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells print, and the HTML of sliders without its pictures."""
    return [
        PICTURE.sub("", page(o)) or o.get("text") or o.get("data", {}).get("text/plain", "")
        for o in outputs(notebook)
    ]


def frames(output: nbformat.NotebookNode) -> list[np.ndarray]:
    """The pictures of a slider, that which is shown at first before the others."""
    files = (io.BytesIO(base64.b64decode(data)) for data in PICTURE.findall(page(output)))
    return [np.asarray(Image.open(file).convert("RGB"), float) for file in files]


def pictures(notebook: nbformat.NotebookNode) -> list[np.ndarray]:
    """What the cells draw, as arrays of (H, W, 3)."""
    found = []
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            found.append(np.asarray(decoded(output), float))
        found += frames(output)
    return found


def same_text(one: str, other: str) -> bool:
    """Whether texts are equal but for the last digits of their numbers."""
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(np.isclose(float(a), float(b), rtol=0.02, atol=0.011) for a, b in pairs)


def text_differences(old: nbformat.NotebookNode, new: nbformat.NotebookNode) -> list[str]:
    """How what two runs print differs, beyond the last digits."""
    before, after = texts(old), texts(new)
    if len(before) != len(after):
        return [f"{len(before)} outputs, now {len(after)}"]
    pairs = zip(before, after, strict=True)
    return [f"{a!r} is now {b!r}" for a, b in pairs if not same_text(a, b)]


def picture_differences(old: nbformat.NotebookNode, new: nbformat.NotebookNode) -> list[str]:
    """How what two runs draw differs, beyond the shapes of letters."""
    before, after = pictures(old), pictures(new)
    if len(before) != len(after):
        return [f"{len(before)} pictures, now {len(after)}"]
    found = []
    for number, (a, b) in enumerate(zip(before, after, strict=True), start=1):
        if a.shape != b.shape:
            found.append(f"picture {number} has the size {a.shape}, now {b.shape}")
        elif np.abs(a - b).mean() > TOLERANCE:
            found.append(f"picture {number} has changed")
    return found


def main() -> int:
    """Run the command; 1 if ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="lessons, by the beginning of their names")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    arguments = parser.parse_args()
    paths = [p for p in lessons() if p.name.startswith(tuple(arguments.names) or "")]
    stale = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, notebook in zip(paths, pool.map(run, paths), strict=True):
            if arguments.check:
                committed = nbformat.read(path, as_version=4)
                found = text_differences(committed, notebook)
                found += picture_differences(committed, notebook)
                stale += bool(found)
                print(f"{path.name}: {'; '.join(found) or 'as committed'}")
                continue
            pack(notebook)
            nbformat.write(notebook, path)
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
