"""What a class is given: handouts without solutions that link to handouts, the branches, the wheelhouse."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml  # type: ignore[import-untyped]

from tools import environment, handouts, lesson, publish
from tools.new_lesson import new_lesson

ROOT = lesson.ROOT
LESSONS = [pytest.param(path, id=path.stem) for path in lesson.lessons()]
# An address that opens a notebook of the branch with the solutions, on Binder, Colab or GitHub.
LEAK = re.compile(r"/main\?(?:lab|url)?path=|/(?:blob|tree|raw)/main/notebooks")


def test_the_leak_is_seen_where_there_is_one() -> None:
    for address in re.findall(r"\((http[^)]+)\)", lesson.links("02_activations"))[:2]:
        assert LEAK.search(address)
    assert not LEAK.search(lesson.links("02_activations", lesson.HANDOUTS))


@pytest.mark.parametrize("path", LESSONS)
def test_a_handout_holds_no_solution_and_links_to_none(path: Path) -> None:
    nb = lesson.read(path)
    given = handouts.handout(nb, path.stem)
    text = "\n".join(cell.source for cell in given.cells)
    solutions = [exercise.solution for exercise in lesson.exercises(nb)]
    assert len(solutions) >= 3
    assert all(solutions)
    assert [solution for solution in solutions if solution in text] == []
    assert "<summary>Solution" not in text
    assert text.count("<summary>Hint") == len(solutions)
    assert LEAK.findall(nbformat.writes(given)) == []
    assert lesson.links(path.stem, lesson.HANDOUTS) in text
    # Links to other lessons are to the files beside it, which are handouts, too.
    beside = set(re.findall(r"\]\(([^)#:]+\.ipynb)", text))
    assert beside <= {other.name for other in lesson.lessons()}


@pytest.mark.parametrize("path", LESSONS)
def test_colab_is_told_to_fetch_camlib(path: Path) -> None:
    """jupytext writes magics as comments, and a comment fetches nothing."""
    (setup,) = [cell for cell in lesson.read(path).cells if "setup" in lesson.tags(cell)]
    assert re.search(r"^    %pip install -q .*git\+https", setup.source, re.M)


def test_handouts_to_work_in_are_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(lesson, "ROOT", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(handouts, "OUT", tmp_path / "build")
    monkeypatch.setattr(handouts, "TO_WORK_IN", tmp_path / "handouts")
    for name in ("01_a", "02_b"):
        lesson.write(new_lesson(name), tmp_path / "notebooks" / f"{name}.ipynb")
    mine = tmp_path / "handouts" / "01_a.ipynb"
    mine.parent.mkdir()
    mine.write_text("my work")
    monkeypatch.setattr(sys, "argv", ["handouts", "--to-work-in"])
    handouts.main()
    assert mine.read_text() == "my work"
    assert "Solution" not in (tmp_path / "handouts" / "02_b.ipynb").read_text("utf-8")
    monkeypatch.setattr(sys, "argv", ["handouts", "01"])
    handouts.main()
    assert [file.name for file in (tmp_path / "build").iterdir()] == ["01_a.ipynb"]


@pytest.mark.skipif(os.name == "nt", reason="Binder is no Windows")
def test_binder_starts_what_it_is_told_to_and_gives_memory_back() -> None:
    told = "import os; print(os.environ['MALLOC_MMAP_THRESHOLD_'], os.environ['MALLOC_TRIM_THRESHOLD_'])"
    command = [str(ROOT / "start"), sys.executable, "-c", told]
    assert subprocess.check_output(command, text=True).split() == ["1048576"] * 2


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a ZIP, not a clone: what belongs to it is unknown")
def test_the_branch_of_the_handouts_is_the_course_without_its_answers(tmp_path: Path) -> None:
    publish.course(tmp_path)
    theirs = ("README.md", "environment.yml", "postBuild", "start", "constraints.txt", "camlib/__init__.py")
    assert [name for name in theirs if not (tmp_path / name).is_file()] == []
    assert os.access(tmp_path / "postBuild", os.X_OK)
    assert os.access(tmp_path / "start", os.X_OK)
    assert not list(tmp_path.rglob("test_*.py"))
    assert not list(tmp_path.rglob("*marking*"))
    texts = {
        file: file.read_text("utf-8")
        for file in tmp_path.rglob("*")
        if file.suffix in (".md", ".py", ".ipynb", ".percent")
    }
    assert len([file for file in texts if file.suffix == ".ipynb"]) == len(LESSONS)
    assert [file for file, text in texts.items() if file.suffix == ".ipynb" and LEAK.search(text)] == []
    assert [
        file for file, text in texts.items() if "<summary>Solution" in text and file.suffix == ".ipynb"
    ] == []
    for path in lesson.lessons():
        for exercise in lesson.exercises(lesson.read(path)):
            as_json = json.dumps(exercise.solution).strip('"')
            wanted = (exercise.solution, as_json)
            assert [str(f) for f, text in texts.items() if any(w in text for w in wanted)] == [], path.stem


def test_the_pages_link_to_handouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "NOTEBOOKS", tmp_path / "notebooks")
    lesson.write(new_lesson("01_a"), tmp_path / "notebooks" / "01_a.ipynb")
    monkeypatch.setattr(publish, "SITE", tmp_path / "none")
    publish.pages(tmp_path / "pages")
    front = (tmp_path / "pages" / "index.html").read_text("utf-8")
    assert "blob/handouts/notebooks/01_a.ipynb" in front
    assert "/handouts?labpath=" in front
    assert publish.archive() in front
    assert not LEAK.search(front)
    assert (tmp_path / "pages" / "slides" / "01_a.html").is_file()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("the site")
    monkeypatch.setattr(publish, "SITE", tmp_path / "site")
    publish.pages(tmp_path / "whole")
    assert (tmp_path / "whole" / "index.html").read_text() == "the site"
    assert (tmp_path / "whole" / "slides" / "index.html").is_file()


def test_the_workflow_publishes_the_branches_that_the_links_name() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "write"}
    steps = [step["run"] for step in workflow["jobs"]["publish"]["steps"] if "run" in step]
    assert steps[:2] == ["make site", "make public"]  # the pages are laid over the site
    (branches,) = re.findall(r"for branch in (.*); do", steps[2])
    assert branches.split() == ["gh-pages", lesson.HANDOUTS]
    subprocess.run(["bash", "-n"], input=steps[2], text=True, check=True)


# -------------------------------------------------------------------------------------------- wheelhouse

posix = pytest.mark.skipif(os.name == "nt", reason="uses a shell script in place of Python")
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *"m.version("*) ;;
  *"import sys, pip"*|*"version_info"*) echo 3 12 ;;
  *) echo "$*" >> said.txt
     case "$*" in *" wheel "*) touch wheelhouse/camlib-1-py3.whl wheelhouse/x-1-py3.whl ;; esac ;;
esac
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the environment is made of, and a `.venv` whose Python notes what it is told."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    for name, path in (("ROOT", ""), ("VENV", ".venv"), ("WHEELHOUSE", "wheelhouse")):
        monkeypatch.setattr(environment, name, tmp_path / path)
    monkeypatch.setattr(environment, "check_disk", lambda gigabytes: True)
    return tmp_path


def commands(course: Path) -> list[str]:
    """What the fake Python was told since the last look."""
    said = course / "said.txt"
    lines = said.read_text().splitlines() if said.exists() else []
    said.unlink(missing_ok=True)
    return lines


@posix
def test_a_wheelhouse_is_collected_and_then_used_without_the_internet(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.main(["wheelhouse"])
    installed, collected = commands(course)
    assert "--no-index" not in installed
    assert collected.startswith("-m pip wheel")
    assert collected.endswith("-c constraints.txt .[dev] hatchling editables")
    kept = sorted(file.name for file in (course / "wheelhouse").iterdir())
    assert kept == ["for.txt", "x-1-py3.whl"]  # the course itself is not among its packages
    assert f"for {environment.machine()}" in capsys.readouterr().out
    (course / ".venv" / ".ready").unlink()  # as on a machine to which the folder was copied
    environment.main(["env"])
    (offline,) = commands(course)
    assert f"--no-index --find-links {course / 'wheelhouse'}" in offline
    assert "without the internet" in capsys.readouterr().out
    (course / ".venv" / ".ready").unlink()
    environment.main(["wheelhouse"])  # again, from the internet
    assert "--no-index" not in commands(course)[0]


@posix
def test_a_wheelhouse_for_another_python_is_told_in_one_line(course: Path) -> None:
    (course / "wheelhouse").mkdir()
    (course / "wheelhouse" / "for.txt").write_text("Python 3.9 on Plan9 mips\nPython 3.9 on Windows AMD64\n")
    with pytest.raises(SystemExit) as stopped:
        environment.main([])
    assert str(stopped.value).startswith(
        "wheelhouse/ is for Python 3.9 on Plan9 mips and Python 3.9 on Windows AMD64; this is Python 3.12 on "
    )
    assert commands(course) == []


@posix
def test_conda_keeps_its_own_packages(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = str(course / ".venv" / "bin" / "python")
    monkeypatch.setattr(sys, "executable", python)
    there = {"names": "numpy"}
    monkeypatch.setattr(environment, "ask", lambda command, code: there["names"])
    with pytest.raises(SystemExit, match="No torch and torchvision in this Python"):
        environment.main(["here"])
    there["names"] = "numpy torch torchvision Jupyterlab_Pygments"
    pins: list[str] = []

    def run(command: list[str], failure: str) -> None:
        assert command[0] == python
        assert command[-2:] == ["-e", ".[lab]"]
        pins.extend(Path(command[command.index("-c") + 1]).read_text("utf-8").splitlines())

    monkeypatch.setattr(environment, "run", run)
    environment.main(["here"])
    names = {pin.split("==")[0] for pin in pins if not pin.startswith("#")}
    assert not names & {"torch", "torchvision", "numpy", "jupyterlab-pygments"}
    assert {"scipy", "ipywidgets", "jupyterlab"} <= names


def test_handouts_are_opened_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr(environment, "build", lambda online: None)
    monkeypatch.setattr(environment, "run", lambda command, failure: said.append(command))
    monkeypatch.setattr(os, "execv", lambda path, command: said.append(command))
    monkeypatch.setattr(os, "chdir", lambda path: None)
    environment.main(["lab", "--handouts", "--port=9999"])
    assert said[0][1:] == ["-m", "tools.handouts", "--to-work-in"]
    assert "--ServerApp.root_dir=handouts" in said[1]
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in said[1]
    assert "--port=9999" in said[1]
    assert "--handouts" not in said[1]
    with pytest.raises(SystemExit):
        environment.main(["env", "--handouts"])
