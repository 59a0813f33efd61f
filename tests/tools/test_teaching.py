"""The teaching page keeps to the lessons: measured minutes, what depends on what, the glossary, the key."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import lesson, minutes

DOCS = lesson.ROOT / "docs"
PAGE = (DOCS / "teaching.md").read_text("utf-8")
GLOSSARY = re.findall(r"^\| (.+) \| (.+) \| \[(\d\d)\]\((.+)\) \|$", PAGE.split("## Glossary")[1], re.M)


def test_the_minutes_are_those_of_the_lessons() -> None:
    """A row may be five minutes off, so that not every edited sentence asks for `make minutes`."""
    rows = dict(re.findall(r"^\| \[(\d\d) · .*?\]\(.*?\) \| (.*) \|$", PAGE, re.M))
    assert set(rows) == {path.stem[:2] for path in lesson.lessons()}
    for path in lesson.lessons():
        m = minutes.measure(lesson.read(path))
        _, _, told, each, both, lecture = rows[path.stem[:2]].split(" | ")
        assert each == " + ".join(map(str, m.tasks)), f"{path.stem}: run `make minutes`"
        assert abs(int(told) - m.minutes) <= 5, f"{path.stem}: run `make minutes`"
        assert int(both) == int(told) + sum(m.tasks)
        assert abs(int(lecture) - m.lecture) <= 5, f"{path.stem}: run `make minutes`"
    assert f"{minutes.WORDS_A_MINUTE} words a minute" in PAGE


def test_a_lesson_is_measured_by_what_is_visible() -> None:
    md, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    shown = nbformat.v4.new_output("display_data", {"text/plain": "a figure"})
    nb = nbformat.v4.new_notebook()
    nb.cells = [
        md("# 01 · A title"),  # three words: what the reader sees, without the mark
        md("[links](https://example.org/a/b)", metadata={"tags": ["links"]}),
        code("import x", metadata={"tags": ["setup"]}),
        md("one two-fold *three* [four](a b c) $$ x = y z $$\n```\nnot read\n```\n<b>five</b>"),
        md("<details><summary>Hint</summary>\n\nnobody counts this\n\n</details>"),
        code("1 + 1", outputs=[shown, shown]),
        md("## Exercises\n\nmany words, not counted"),
        md("### One\n\n★★☆ · 10 minutes"),
        code("..."),
    ]
    m = minutes.measure(nb)
    assert (m.title, m.words, m.cells, m.shown, m.formulas) == ("01 · A title", 3 + 5, 1, 2, 1)
    assert m.tasks == (10,)
    assert m.minutes == 5  # 8 words, a cell, two outputs and a formula: 2.1 minutes, rounded up
    assert minutes.Measured("", 1500, 20, 10, 2, 22, ()).minutes == 30  # 10 + 10 + 5 + 1 = 26
    assert minutes.Measured("", 0, 0, 0, 0, 22, ()).lecture == 45


def test_the_table_is_written_between_its_marks() -> None:
    page = f"before\n{minutes.BEGIN}\nold\n{minutes.END}\nafter\n"
    new = minutes.written(page, "| new |")
    assert new == f"before\n{minutes.BEGIN}\n\n| new |\n\n{minutes.END}\nafter\n"
    assert minutes.written(new, "| new |") == new
    with pytest.raises(ValueError, match="to write the table between"):
        minutes.written("no marks", "| new |")


def test_the_graph_is_what_the_lessons_say() -> None:
    told = set(re.findall(r"^ +(\d\d)\S*.* --> (\d\d)", PAGE.split("```mermaid")[1].split("```")[0], re.M))
    said = set()
    for path in lesson.lessons():
        nb = lesson.read(path)
        text = next(cell.source for cell in nb.cells if "before this:" in cell.source.lower())
        before = re.split("before this:", text, flags=re.I)[1]
        said |= {(earlier, path.stem[:2]) for earlier in re.findall(r"\]\((\d\d)_\w+\.ipynb\)", before)}
    assert told == said


def test_the_glossary_is_met_where_it_says() -> None:
    assert len(GLOSSARY) >= 25
    terms = [term for term, *_ in GLOSSARY]
    assert terms == sorted(terms, key=str.casefold)
    lessons = {path.stem[:2]: path for path in lesson.lessons()}
    text = {
        n: "\n".join(cell.source for cell in lesson.read(path).cells).casefold()
        for n, path in lessons.items()
    }
    for term, sentence, number, target in GLOSSARY:
        assert re.fullmatch(r"[A-Z].*[^.]\.", sentence), term
        assert target == f"../notebooks/{lessons[number].name}"
        word = re.sub(r" \(.*\)", "", term).casefold()
        assert word in text[number], f"{term} is not met in lesson {number}"


def test_pages_point_to_what_is_there() -> None:
    for page in DOCS.glob("*.md"):
        targets = re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
        assert [t for t in targets if not t.startswith("https://") and not (DOCS / t).exists()] == []


def test_the_key_answers_each_question_and_its_numbers_hold() -> None:
    questions, key = (DOCS / "assessment.md").read_text("utf-8"), (DOCS / "marking_key.md").read_text("utf-8")
    asked = re.findall(r"^(\d+)\. ", questions.split("## Part A")[1].split("## Part B")[0], re.M)
    answered = re.findall(r"^\| (\d+) \|", key, re.M)
    assert asked == answered == [str(n) for n in range(1, 11)]
    marks = [int(n) for n in re.findall(r"^\| (\d+) \| ", questions.split("## Part B")[1], re.M)]
    assert sum(marks) + 4 * len(asked) == 100
    code = re.search(r"^```python\n(.*?)^```", key, re.M | re.S)
    assert code
    exec(code[1], {})


def test_no_key_in_the_questions() -> None:
    for name in ("assessment.md", "teaching.md"):
        text = Path(DOCS / name).read_text("utf-8")
        assert "224" not in text
        assert "marking_key.md" not in text
