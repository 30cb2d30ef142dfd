"""Every code block of README and docs runs, or says why not; what is not run is checked all the same."""

import contextlib
import io
import shutil

import click
import pytest

import doc_blocks
from doc_blocks import blocks, check_unrun, check_words, check_yaml, commands, faults, is_ours, pages
from eubiosis.cli.main import cli
from eubiosis.core.findings import FindingsError

PAGES = pages()
# their Python is run by test_tutorials, each in a process and folder of its own
ELSEWHERE = ("README.md", "docs/tutorials/")
RUN = [page for page in PAGES if any(b.language in ("sh", "python") and not b.reason for b in blocks(page))]


def named(page):
    return page.relative_to(doc_blocks.ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_what_it_is(page):
    found = [f"{block}: {fault}" for block in blocks(page) for fault in faults(block)]
    assert found == []
    assert doc_blocks.indented(page) == [], "fence the block and say its language"


@pytest.mark.parametrize("page", [p for p in PAGES if any(b.reason for b in blocks(p))], ids=named)
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_what_is_not_run_is_right_in_form(page):
    assert [f"{b}: {fault}" for b in blocks(page) if b.reason for fault in check_unrun(b)] == []


def run_words(block, words):
    """Run one command of ours as a shell would; any other has no place in a block that is run."""
    assert is_ours(words), f"{block}: only eubiosis is run here: {words[0]}; mark the block"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            status = cli(words[1:], standalone_mode=False)
        except click.ClickException as error:
            pytest.fail(f"{block}: {error.format_message()}")
        except FindingsError as error:
            pytest.fail(f"{block}: {error}")
        except SystemExit as error:
            status = error.code
    assert status in (0, None), f"{block}: {err.getvalue()}"
    assert out.getvalue() or err.getvalue(), f"{block}: {' '.join(words)} says nothing"


@pytest.mark.parametrize("page", RUN, ids=named)
def test_the_blocks_of_a_page_run_in_their_order_in_an_empty_folder(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if block.reason:
            continue
        if block.language == "yaml" and block.extra:
            check_yaml(block, tmp_path)
        elif block.language == "python" and not block.page.startswith(ELSEWHERE):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, str(block), "exec"), names)
        elif block.language == "sh":
            for words in commands(block.text):
                run_words(block, words)


def test_a_wrong_option_a_lost_command_and_bad_shell_are_seen(tmp_path):
    page = tmp_path / "page.md"

    def of(text):
        page.write_text(f"*Not run by the tests: a try.*\n\n```sh\n{text}\n```\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(doc_blocks, "ROOT", tmp_path)
            return check_unrun(blocks(page)[0])

    assert of("eubiosis run w.yaml --out r") == []
    assert "No such option" in of("eubiosis run w.yaml --out r --fast")[0]
    assert of("eubiosis runn w.yaml") == ['no command "runn"']
    assert of("eubiosis evidence pool") == ["missing: outcome, intervention"]
    assert of("eubiosis run w.yaml x.yaml --out r") == ["words too many: x.yaml"]
    assert "unexpected EOF" in of('echo "open')[0]


def test_a_command_in_a_text_block_and_a_nameless_language_are_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```text\neubiosis run w.yaml\n```\n\n```\nplain\n```\n\n```yaml\na: 1\n```\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doc_blocks, "ROOT", tmp_path)
        found = [fault for block in blocks(page) for fault in faults(block)]
    assert [fault.split(";")[0] for fault in found] == [
        "a command in a text block, which nothing runs",
        'language ""',
        'a yaml block without a file name or "part" behind its language',
    ]
    assert check_words(["eubiosis", "evidence"]) == "no sub-command"
