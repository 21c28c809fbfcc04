"""``spectral-mae completion``: what bash completes, and that all scripts know all options."""

import shutil
import subprocess
import sys

import pytest
from command_runs import run

from spectral_mae.cli import main
from spectral_mae.cli.completion import words
from spectral_mae.cli.completion.command import SCRIPTS

COMMANDS = words.commands_of(*main.parsers())
BASH = shutil.which("bash")
TRY = """
source "$1"; shift
for line in "$@"; do
    # Words as readline divides them, at = and : too; at the end a word that has just been begun.
    COMP_WORDS=(); rest=$line; divided='^ *([=:]|[^=: ]+)(.*)$'
    while [[ $rest =~ $divided ]]; do
        COMP_WORDS+=("${BASH_REMATCH[1]}"); rest=${BASH_REMATCH[2]}
    done
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE=$line; COMP_POINT=${#line}
    COMPREPLY=(); _spectral_mae 2>/dev/null; echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture(scope="module")
def scripts():
    return {shell: make(COMMANDS, words.builtin_names()) for shell, make in SCRIPTS.items()}


@pytest.fixture(scope="module")
def completed(scripts, tmp_path_factory):
    """What bash offers for each of these lines."""
    if BASH is None:
        pytest.skip("no bash here")
    folder = tmp_path_factory.mktemp("bash")
    (folder / "script").write_text(scripts["bash"])
    (folder / "pho to.png").touch()
    lines = [line for line, *_ in LINES]
    command = [BASH, "--norc", "-c", TRY, "bash", "./script", *lines]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return dict(zip(lines, found.stdout.splitlines(), strict=True))


LINES = [
    ("spectral-mae ", set(main.COMMANDS) | {"-h", "--help", "--version"}),
    ("spectral-mae ver", {"verify"}),
    ("spectral-mae --v", {"--version"}),
    ("spectral-mae audit", {"audit", "audit-masks"}),
    ("spectral-mae psd --sca", {"--scaling"}),
    ("spectral-mae psd a.png --band ", {"percentile", "std", "stderr", "none"}),
    ("spectral-mae psd a.png --band st", {"std", "stderr"}),
    ("spectral-mae psd a.png --band=st", {"std", "stderr"}),
    ("spectral-mae psd a.png --band=", {"percentile", "std", "stderr", "none"}),
    ("spectral-mae analyze --seed ", set()),
    ("spectral-mae analyze --table-format p", {"parquet"}),
    ("spectral-mae analyze bui", {"builtin:"}),
    ("spectral-mae analyze builtin:ca", {"camera", "cat"}),
    ("spectral-mae analyze builtin:", set(words.builtin_names())),
    ("spectral-mae completion z", {"zsh"}),
    ("spectral-mae nothing --x", set()),
]


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_bash_offers(completed, line, offered):
    assert set(completed[line].split()) == offered


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_bash_completes_on_its_own_command_line(scripts, tmp_path):
    """An interactive bash, with readline: commands, options, files with spaces, built-in images."""
    if sys.platform == "win32":
        pytest.skip("a pseudo-terminal")
    import pty

    (tmp_path / "script").write_text(scripts["bash"])
    (tmp_path / "pho to.png").touch()
    # The program prints what it is given, so that the lines that readline made are seen.
    setting = "PS1= ; spectral-mae() { printf '<%s>' \"$@\"; echo; }; source ./script\n"
    typed = [
        "spectral-mae verif\t\n",
        "spectral-mae psd pho\t -o x.png --scal\tener\t\n",
        "spectral-mae verify builtin:camer\t\n",
    ]
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"],
        cwd=tmp_path, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={"TERM": "dumb", "PATH": "/usr/bin:/bin", "HISTFILE": ""}, start_new_session=True,
    ) as shell:  # fmt: skip
        import os

        os.write(leader, (setting + "".join(typed) + "exit\n").encode())
        printed = shell.communicate(timeout=120)[0].decode()
        os.close(leader)
        os.close(follower)
    for expected in (
        "<verify>",
        "<psd><pho to.png><-o><x.png><--scaling><energy>",
        "<verify><builtin:camera>",
    ):
        assert expected in printed


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_option_is_in_every_script(scripts, shell):
    script = scripts[shell]
    for name, command in COMMANDS.items():
        assert name in script
        for word in command.options:
            for option in word.names:
                as_fish = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
                assert (as_fish if shell == "fish" else option) in script
            assert all(choice in script for choice in word.choices)


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])]
)
def test_shells_read_their_scripts(scripts, tmp_path, shell, check):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(scripts[shell])
    subprocess.run([program, *check, tmp_path / "script"], check=True)


def test_the_command_prints_the_script(scripts, capsys):
    assert run("completion", "bash") == 0
    assert capsys.readouterr().out == scripts["bash"]


def test_nothing_heavy_is_loaded():
    program = (
        "import sys; from spectral_mae.cli.main import main; main(['completion', 'bash']); "
        "print({'numpy', 'scipy', 'matplotlib', 'skimage', 'PIL', 'tqdm'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.endswith("set()\n")


def test_what_a_word_is():
    psd = {name: word for word in COMMANDS["psd"].options for name in word.names}
    assert psd["--out"].paths
    assert not psd["--out"].images
    assert psd["--mask"].paths
    assert not psd["--fs"].paths or psd["--fs"].value.startswith("file")
    assert psd["--band"].choices[0] == "percentile"
    assert psd["--color"].value == ""
    (image,) = COMMANDS["psd"].places
    assert image.images
