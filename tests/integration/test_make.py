"""What make says when something cannot be fetched: a sentence with the reason and what to do, as pip and uv put it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# the ends of what pip 23 and uv 0.13 really say
PIP_OFFLINE = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/uv/
ERROR: Could not find a version that satisfies the requirement uv==0.13.8 (from versions: none)
ERROR: No matching distribution found for uv==0.13.8"""
UV_OFFLINE = """error: Request failed after 3 retries in 3.9s
  cause: client error (Connect)
  cause: dns error
  cause: failed to lookup address information: Temporary failure in name resolution"""
UV_FULL = """error: Failed to install: numpy.whl (numpy==2.3.1)
  cause: failed to copy file from a to b: No space left on device (os error 28)"""
PIP_FULL = "shutil.Error: [('bin/uv', '.uv/bin/uv', \"[Errno 28] No space left on device: 'bin/uv'\")]"
UV_UNTRUSTED = """error: Failed to fetch: `https://index.example/simple/numpy/`
  cause: client error (Connect)
  cause: invalid peer certificate: UnknownIssuer"""
UV_HASH = """error: Failed to download `numpy==2.3.1`
  cause: Hash mismatch for `numpy==2.3.1`"""


def told(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (PIP_OFFLINE, "the package index cannot be reached. See whether this machine is on the net"),
        (UV_OFFLINE, "the package index cannot be reached. See whether this machine is on the net"),
        (UV_FULL, "the disk is full. Make room"),
        (PIP_FULL, "the disk is full. Make room"),
        (UV_UNTRUSTED, "the package index shows a certificate that is not trusted here. Set PIP_CERT"),
        ("error: Permission denied (os error 13)", "nothing may be written there (Permission denied (os error 13))."),
    ],
    ids=["pip offline", "uv offline", "uv full", "pip full", "untrusted", "not mine"],
)
def test_what_cannot_be_installed_is_one_sentence(said, reason):
    code, line = told(str(ROOT / "tools/quietly"), "uv", "bash", "-c", 'printf %s "$1"; exit 3', "bash", said)
    assert code == 1
    assert line.startswith(f"uv could not be installed: {reason}")
    assert line.count("\n") == 1


@pytest.mark.parametrize(("said", "reason"), [(UV_HASH, "Hash mismatch for `numpy==2.3.1`"), ("", "nobody says why.")])
def test_of_another_reason_all_is_shown_and_the_last_line_is_the_sentence(said, reason):
    code, lines = told(str(ROOT / "tools/quietly"), "uv", "bash", "-c", 'printf %s "$1"; exit 3', "bash", said)
    assert (code, lines) == (1, f"{said}\nuv could not be installed: {reason}\n")


def test_what_can_be_installed_says_nothing():
    assert told(str(ROOT / "tools/quietly"), "uv", "bash", "-c", "echo a lot; echo more >&2") == (0, "")


def test_an_old_python_is_named_with_what_to_do(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n', encoding="utf-8")
    old.chmod(0o755)
    code, line = told(str(ROOT / "tools/get-uv"), str(old), "0")
    assert (code, line.count("\n")) == (1, 1)
    assert f"Darkroom needs Python 3.11 or newer, and '{old}' is Python 3.9.2: install one and name it" in line


def test_a_python_that_is_not_there_is_named_with_what_to_do():
    code, line = told(str(ROOT / "tools/get-uv"), "python3.99", "0")
    assert (code, line.count("\n")) == (1, 1)
    assert "there is no 'python3.99' here: install one and name it" in line
