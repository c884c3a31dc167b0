"""What is told of results: lines, JSON that keeps to its schema, a summary, JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dragoman.cli.environment import Environment
from dragoman.cli.main import run
from dragoman.schemas.captures import Received
from dragoman.schemas.ir import JSON
from tests.cli.harness import Bytes, Result, Text, invoke
from tests.cli.replaying.host import Host, hosting, profile
from tests.cli.replaying.recordings import answer, asked, exchange, write
from tests.cli.test_json_schemas import kept
from tests.schemas.captures.samples import EXCHANGES

FORMS = pytest.mark.parametrize("form", ["--json", "--jsonl"])


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """Return a recording of everything that a line can tell: answers, differences, failures, streams, tools."""
    tool: JSON = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    stream = EXCHANGES[1]
    assert stream.response is not None
    return write(
        tmp_path,
        [
            *EXCHANGES,
            exchange("different", response=answer("x" * 900, finish="length")),
            exchange("tools", asked("weather?", tools=[tool], tool_choice="required")),
            exchange("broken", response=[]),
            replace(exchange("silent"), response=None),
            replace(stream, id="cut", response=Received(kind="stream", body=stream.response.body[:200])),
            exchange("refused", asked("x", n=3)),
        ],
    )


def replay(*arguments: str, known: dict[str, str] | None = None, terminals: tuple[str, ...] = ()) -> Result:
    who = () if {"-p", "--offline"} & set(arguments) else ("-p", "sandbox")
    return invoke("replay", *who, *arguments, variables=known, terminals=terminals)


@FORMS
@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--expect", "recorded"),
        ("--expect", "recorded", "--strict-text", "--stream"),
        ("--offline", "--speed", "max", "--expect", "recorded"),
        ("--dialect", "anthropic", "--repeat", "2"),
        ("--dry-run",),
        ("--dry-run", "--dialect", "anthropic"),
        ("--filter", "model=nothing"),
        ("-p", "nobody"),
        ("--rate", "x"),
    ],
)
def test_everything_that_programs_read_keeps_to_its_schema(mixed: str, form: str, more: tuple[str, ...]) -> None:
    kept("replay", replay(mixed, form, *more))


@FORMS
@pytest.mark.parametrize(("status", "last"), [(401, "error"), (503, "summary")])
def test_failures_keep_to_it_too(host: Host, tmp_path: Path, form: str, status: int, last: str) -> None:
    host.rejections = [(status, {})]
    file = write(tmp_path, [exchange("one")])
    done = replay(file, form, "-p", "loop", "--retries", "0", known=profile(tmp_path, host))
    found = kept("replay", done)[-1]
    assert isinstance(found, dict)
    assert found["type"] == (last if form == "--jsonl" or last == "error" else "replay")


def test_lines_end_with_one_summary_or_error(mixed: str) -> None:
    for more in ((), ("--filter", "model=nothing"), ("--dry-run",)):
        types = [json.loads(line)["type"] for line in replay(mixed, "--jsonl", *more).out.splitlines()]
        assert [kind for kind in types if kind in ("summary", "error", "rehearsal")] == types[-1:]


def test_the_quiet_hear_nothing_but_results(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one"), replace(exchange("two"), response=None)])
    assert replay(file, "-q", "--expect", "recorded").err == ""


def test_what_was_done_by_an_earlier_run_is_told_as_that(tmp_path: Path) -> None:
    file, kept_in = write(tmp_path, [exchange("one"), exchange("two")]), str(tmp_path / "out.jsonl")
    first, second = (replay(file, "--resume", kept_in) for _ in range(2))
    assert "already" not in first.err
    assert "dragoman: 2 of these were there already\n" in second.err


def test_differences_are_under_their_line_on_a_terminal(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", response=answer("Sandbox: uno"))])
    done = replay(file, "--expect", "recorded", "--strict-text", terminals=("stdout", "stderr"))
    assert b"uno" in done.out.partition(b"\n")[2]
    assert "otherwise than recorded" not in done.err


def test_an_error_that_its_line_cuts_is_told_whole(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", asked("x", n=3))])
    on = ("--dialect", "anthropic")
    seen = replay(file, "-q", *on, known={"COLUMNS": "80"}, terminals=("stdout", "stderr")).out.decode()
    piped = replay(file, *on)
    said = piped.err.partition("dragoman: entry 1: ")[2].partition("\n")[0]
    assert said.endswith("n would be dropped: the target has no such parameter")
    assert f"\n  {said}\n" in seen
    assert said in piped.out.decode()


def test_what_a_model_says_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\x1b]0;title\x07\u202eevil"
    file = write(tmp_path, [exchange("one\x1b[31m", asked(evil), response=answer(evil + "?"))])
    known = {"NO_COLOR": "1"}
    done = replay(file, "--expect", "recorded", "--strict-text", known=known, terminals=("stdout", "stderr"))
    for said in (done.out.decode(), done.err):
        assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_a_plot_for_the_terminal_goes_to_stderr(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one"), exchange("two")])
    plain, drawn = replay(file), replay(file, "--plot", "-")
    assert len(drawn.out.splitlines()) == len(plain.out.splitlines())
    assert len(drawn.err.splitlines()) > len(plain.err.splitlines())


def test_a_plot_appears_as_a_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    picture = tmp_path / "run.svg"
    assert replay(write(tmp_path, [exchange("one")]), "--plot", str(picture)).status == 0
    assert b"<svg" in picture.read_bytes()


def test_results_may_go_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = replay(write(tmp_path, [exchange("one")]), "--jsonl", "-o", str(out))
    assert (done.out, len(out.read_bytes().splitlines())) == (b"", 2)
    assert out.stat().st_mode & 0o777 == 0o600


def test_results_of_an_earlier_run_count(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one"), exchange("two", response={"error": {"message": "no"}}, status=500)])
    resume = (file, "--offline", "--resume", str(tmp_path / "r"), "--junit", str(tmp_path / "j.xml"))
    assert replay(*resume, "--limit", "1").status == 0
    done = replay(*resume, "--json")
    found = json.loads(done.out)
    assert (done.status, len(found["results"]), found["summary"]["failed"]) == (1, 2, 1)
    assert 'tests="2"' in (tmp_path / "j.xml").read_text()


# ---- failures that are alike -----------------------------------------------------------------------------------------


@pytest.fixture
def lossy(tmp_path: Path) -> str:
    return write(tmp_path, [exchange(f"e{number}", asked("x", n=3)) for number in range(6)])


ALIKE = ("--dialect", "anthropic")


def test_a_way_out_is_told_once(lossy: str) -> None:
    for terminals in ((), ("stdout", "stderr")):
        done = replay(lossy, *ALIKE, terminals=terminals)
        assert (done.out.decode() + done.err).count("  hint: --allow-loss sends it all the same\n") == 1
    assert "hint" not in replay(lossy, *ALIKE, "-q").err


def test_what_is_not_sent_for_the_same_reason_is_told_in_short(lossy: str) -> None:
    done = replay(lossy, *ALIKE)
    shorts = [line.endswith("refused-loss, as before") for line in done.out.decode().splitlines()]
    assert shorts == [False] * 3 + [True] * 3
    assert done.err.count(": refused-loss: $.n") == 3
    assert done.err.count("note: entry 4 fails for a reason that was told 3 times") == 1


def test_programs_are_told_the_same_reason_in_full(lossy: str) -> None:
    lines = [json.loads(line) for line in replay(lossy, *ALIKE, "--jsonl").out.splitlines()[:-1]]
    assert len(lines) == 6
    (fault,) = {(line["error"]["message"], line["error"]["hint"]) for line in lines}
    assert fault[1] == "--allow-loss sends it all the same"


def test_failures_of_a_host_are_told_each(host: Host, tmp_path: Path) -> None:
    host.rejections = [(500, {})] * 5
    file = write(tmp_path, [exchange(f"e{number}") for number in range(5)])
    done = replay(file, "-p", "loop", "--retries", "0", known=profile(tmp_path, host))
    assert "as before" not in done.out.decode()
    assert done.err.count(" 500: ") == 5


def test_reasons_without_number_are_not_kept_without_end(tmp_path: Path) -> None:
    failing = [exchange(f"e{number}", {"model": "m", "messages": str(number)}) for number in range(120)]
    done = replay(write(tmp_path, [*failing, *failing[-1:] * 6]), "--yes", *ALIKE)
    assert "as before" not in done.out.decode()
    assert len(done.out.splitlines()) == 126


class Beside(Text):
    """A stderr that is the same terminal as stdout."""

    def __init__(self, out: Bytes) -> None:
        super().__init__(terminal=True)
        self._out = out

    def write(self, text: str, /) -> int:
        return self._out.write(text.encode())


def test_what_is_to_be_known_stands_before_the_table(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(json.dumps(asked()))
    out = Bytes(terminal=True)
    environment = Environment(Bytes(), out, stderr=Beside(out), variables={"NO_COLOR": "1"})
    assert run(("replay", str(tmp_path / "body.json"), "-p", "sandbox"), environment) == 0
    first, second, third, *_ = out.getvalue().decode().splitlines()
    assert first.startswith("dragoman: note: entry 1 is read as openai-chat")
    assert second.split()[:2] == ["entry", "outcome"]
    assert third.split()[:2] == ["1", "ok"]
