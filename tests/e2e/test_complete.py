"""`complete` against aimock, in every dialect: words, thoughts, tool calls and their results, usage, what was asked."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from dragoman.providers.version import VERSION
from dragoman.schemas.ir import Wire
from tests.e2e.harness import DIALECTS, HELLO, TALKERS, TOOLS, WEATHER, Place, error_line

every_profile = pytest.mark.parametrize("profile", TALKERS)
every_wire = pytest.mark.parametrize("profile", [*DIALECTS, "azure"])
every_dialect = pytest.mark.parametrize("profile", DIALECTS)
# What aimock does not do as the vendors do: Ollama's counts are always 0, its thoughts in a field that Ollama has not;
# neither Ollama's answers nor those of OpenAI's Responses say that the tokens ran out; Gemini's calls end in a word of
# another vendor.
that_counts = pytest.mark.parametrize("profile", [name for name in DIALECTS if name != "ollama"])
that_cuts = pytest.mark.parametrize("profile", ["openai-chat", "anthropic", "gemini"])
that_thinks = pytest.mark.parametrize("profile", [name for name in (*DIALECTS, "openrouter") if name != "ollama"])
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PERSON: Wire = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@every_profile
def test_text_is_the_answer_and_one_newline(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Say hello.")
    assert (result.status, result.out, result.err) == (0, f"{HELLO}\n".encode(), "")


@every_profile
def test_all_letters_arrive(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Say it in other letters.")
    assert result.out.decode() == 'Grüße 👋🏽 из Лиссабона — 你好, "quoted" \\ and\nnew lines.\n'


@every_profile
def test_json_tells_who_answered_and_how_it_ended(place: Place, profile: str) -> None:
    answer = place.answer("complete", "--json", "-p", profile, "Say hello.")
    assert answer["schema_version"] == 1
    assert (answer["text"], answer["profile"], answer["finish"]["stop"]) == (HELLO, profile, "stop")
    assert answer["dialect"] == (profile if profile in DIALECTS else "openai-chat")
    assert answer["request_id"].startswith("req-")
    assert answer["timing"]


@that_counts
def test_tokens_are_counted(place: Place, profile: str) -> None:
    usage = place.answer("complete", "--json", "-p", profile, "Count the tokens.")["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (11, 7)


@that_counts
def test_usage_is_told_on_stderr(place: Place, profile: str) -> None:
    result = place.run("complete", "--usage", "-p", profile, "Count the tokens.")
    assert (result.status, result.out) == (0, b"Counted.\n")
    assert "11" in result.err
    assert "7" in result.err


@that_thinks
def test_thoughts_are_told_apart_from_words(place: Place, profile: str) -> None:
    answer = place.answer("complete", "--json", "-p", profile, "Think first.")
    assert (answer["text"], answer["reasoning"]) == ("Forty-two.", "Six times seven is needed here.")


@that_cuts
def test_answer_that_was_cut_short_says_so(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Stop early.")
    assert (result.status, result.out) == (0, b"And so it\n")
    assert result.err.count("\n") == 1


@every_profile
def test_tool_is_offered_and_called(place: Place, profile: str) -> None:
    tools = place.write("tools.json", TOOLS)
    answer = place.answer("complete", "--json", "--tools", tools, "-p", profile, "What is the weather in Lisbon?")
    (call,) = answer["tool_calls"]
    assert (call["name"], call["arguments"]) == ("get_weather", {"city": "Lisbon", "days": 2})
    assert answer["finish"]["stop"] == ("other" if profile == "gemini" else "tool_use")
    (asked,) = place.asked()
    (offered,) = asked["body"]["tools"]
    assert offered["function"].get("parameters", WEATHER) == WEATHER  # of Gemini's, aimock says nothing


@every_dialect
def test_two_tools_are_called_at_once(place: Place, profile: str) -> None:
    tools = place.write("tools.json", TOOLS)
    question = "What is the weather in two places?"
    answer = place.answer("complete", "--json", "--tools", tools, "-p", profile, question)
    assert answer["text"] == "I look it up."
    assert [call["arguments"] for call in answer["tool_calls"]] == [{"city": "Lisbon"}, {"city": "Oslo"}]
    assert len({call["id"] for call in answer["tool_calls"]}) == 2


@every_profile
def test_result_of_a_tool_is_answered(place: Place, profile: str) -> None:
    request = place.write("request.json", conversation())
    result = place.run("complete", "--request", request, "-p", profile)
    assert (result.status, result.out) == (0, b"It is 21 degrees in Lisbon.\n"), result


@every_dialect
def test_system_text_goes_along(place: Place, profile: str) -> None:
    place.answer("complete", "--json", "-p", profile, "-s", "Be brief.", "Say hello.")
    (asked,) = place.asked()
    assert asked["body"]["messages"][0] == {"role": "system", "content": "Be brief."}


@every_dialect
def test_answer_that_fits_its_schema(place: Place, profile: str) -> None:
    result = place.run("complete", "--schema", json.dumps(PERSON), "-p", profile, "Give me a person.")
    assert (result.status, json.loads(result.out)) == (0, {"name": "Ada", "age": 36}), result


@every_dialect
def test_answer_that_does_not_fit_its_schema_is_printed_and_refused(place: Place, profile: str) -> None:
    schema = place.write("person.json", PERSON)
    result = place.run("complete", "--schema", schema, "-p", profile, "Give me a wrong person.")
    assert (result.status, json.loads(result.out)) == (1, {"name": "Ada", "age": "old"}), result
    assert "age" in result.err


@every_dialect
def test_tool_call_is_told_where_only_text_is_asked_for(place: Place, profile: str) -> None:
    tools = place.write("tools.json", TOOLS)
    result = place.run("complete", "--tools", tools, "-p", profile, "What is the weather in Lisbon?")
    assert result.status == 0
    assert "get_weather" in result.err


def test_image_goes_along(place: Place) -> None:
    (place.folder / "picture").write_bytes(PNG)
    result = place.run("complete", "-p", "openai-chat", "--attach", "picture", "What is this?")
    assert result.status == 0, result
    text, image = sorted(
        place.asked()[0]["body"]["messages"][0]["content"], key=lambda part: str(part["type"]), reverse=True
    )
    assert text["text"] == "What is this?"
    assert image["image_url"]["url"] == f"data:image/png;base64,{b64encode(PNG).decode()}"


def test_answer_goes_to_a_file(place: Place) -> None:
    result = place.run("complete", "-o", "answer.txt", "-p", "ollama", "Say hello.")
    assert (result.status, result.out) == (0, b"")
    assert (place.folder / "answer.txt").read_text() == f"{HELLO}\n"


def test_code_is_extracted(place: Place) -> None:
    result = place.run("complete", "--extract", "code", "-p", "anthropic", "Show me code.")
    assert (result.status, result.out) == (0, b"print('hi')\n")


def test_prompt_comes_by_pipe(place: Place) -> None:
    assert place.run("complete", "-p", "gemini", stdin=b"Say hello.\n").out == f"{HELLO}\n".encode()


@every_wire
def test_it_says_who_asks(place: Place, profile: str) -> None:
    place.run("complete", "-p", profile, "Say hello.")
    (asked,) = place.asked()
    assert asked["headers"]["user-agent"] == f"dragoman/{VERSION}"


def test_openrouter_is_told_of_the_program(place: Place) -> None:
    place.run(
        "complete",
        "-p",
        "openrouter",
        "Say hello.",
        variables={"APP_URL": "https://app.example", "APP_TITLE": "An app"},
    )
    headers = place.asked()[0]["headers"]
    assert (headers["http-referer"], headers["x-title"]) == ("https://app.example", "An app")


def test_azure_is_asked_at_its_deployment(place: Place) -> None:
    place.run("complete", "-p", "azure", "Say hello.")
    path = place.asked()[0]["path"]
    assert path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"


@every_wire
def test_dry_run_asks_nobody(place: Place, profile: str) -> None:
    result = place.run("complete", "--dry-run", "-p", profile, "Say hello.")
    assert (result.status, place.asked()) == (0, [])
    assert b"Say hello." in result.out


@every_wire
def test_curl_line_gets_the_same_answer(place: Place, profile: str) -> None:
    line = place.run("complete", "--curl", "-p", profile, "Say hello.")
    assert line.status == 0, line
    done = place.shell(f"{line.out.decode().rstrip()} --silent --show-error")
    assert done.status == 0, done
    assert HELLO in done.out.decode()


@every_wire
def test_recording_holds_the_exchange_and_no_key(place: Place, profile: str) -> None:
    result = place.run("complete", "-vv", "--record", "exchange.jsonl", "-p", profile, "Say hello.")
    recorded = (place.folder / "exchange.jsonl").read_text()
    assert (result.status, json.loads(recorded)["response"]["status"]) == (0, 200), result
    assert place.key not in recorded + result.err


def test_model_that_needs_a_key_and_has_none_is_not_asked(place: Place) -> None:
    result = place.run("complete", "-p", "anthropic", "Say hello.", variables={"AIMOCK_KEY": ""})
    assert (result.status, place.asked()) == (78, [])
    assert "AIMOCK_KEY" in error_line(result) + result.err


def conversation() -> Wire:
    """Return a request of OpenAI's in which a tool was called and has answered."""
    call: Wire = {
        "id": "call_lisbon",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'},
    }
    return {
        "messages": [
            {"role": "user", "content": "What is the weather in Lisbon?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_lisbon", "content": '{"degrees": 21}'},
        ],
        "tools": TOOLS,
    }
