"""The JSON Schemas of the wire dialects let pass what is right and name the place of what is not.

`wire_samples/<dialect>.json` holds right documents by kind and name. `damages.json` damages one of them in one place
each: `missing` fields; `wrong` values, with words of the message; and damages that show `elsewhere`. With
DRAGOMAN_CORPUS (a gzipped JSONL of recorded exchanges) every recording has to pass as well.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, InvalidInput, UnknownDialect
from dragoman.schemas.losses import path_of
from dragoman.schemas.validate import DOCUMENT_KINDS, MAX_DEPTH, DocumentKind, Violation, validate

if TYPE_CHECKING:
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    from dragoman.schemas.ir import JSON, At, Wire

Sample: TypeAlias = tuple[str, DocumentKind, str]

DIALECTS = ("anthropic", "gemini", "ollama", "openai-chat", "openai-responses")
FOLDER = Path(__file__).parent / "wire_samples"
SAMPLES = {name: json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in DIALECTS}
SCHEMAS = [(dialect, kind) for dialect in DIALECTS for kind in DOCUMENT_KINDS]
DAMAGES = json.loads((FOLDER / "damages.json").read_text("utf-8"))
GONE = "(delete it)"
RIGHT: list[Sample] = [(dialect, kind, name) for dialect, kind in SCHEMAS for name in SAMPLES[dialect][kind]]
# objects whose keys are the user's
MAPS = {"metadata", "labels", "logit_bias", "properties", "input", "args", "parameters", "schema", "input_schema"}


def sample(of: Sample) -> JSON:
    dialect, kind, name = of
    return cast("JSON", copy.deepcopy(SAMPLES[dialect][kind][name]))


def steps(path: str) -> At:
    found = re.findall(r"\[(\d+)\]|([^.\[]+)", path)
    return tuple(int(index) if index else name for index, name in found)


def damaged(of: Sample, path: str, value: JSON) -> JSON:
    """Return the sample with another value at the path, or without it."""
    body = sample(of)
    *way, last = steps(path)
    node = cast("dict[str | int, JSON]", body)
    for step in way:
        node = cast("dict[str | int, JSON]", node[step])
    if value == GONE:
        del node[last]
    else:
        node[last] = value
    return body


def named(name: str) -> Sample:
    dialect, kind, sample_name = name.split("/")
    return dialect, cast("DocumentKind", kind), sample_name


MISSING = [(named(name), path) for name, paths in DAMAGES["missing"].items() for path in paths]
WRONG = [(named(name), *row) for name, rows in DAMAGES["wrong"].items() for row in rows]
ELSEWHERE = [(named(name), *row) for name, rows in DAMAGES["elsewhere"].items() for row in rows]
DAMAGED: list[tuple[Sample, JSON]] = [
    *((of, damaged(of, path, GONE)) for of, path in MISSING),
    *((of, damaged(of, path, value)) for of, path, value, _ in WRONG),
    *((of, damaged(of, path, value)) for of, path, value, _, _ in ELSEWHERE),
]


def only(body: JSON, of: Sample) -> Violation:
    (violation,) = validate(body, of[0], of[1])
    return violation


@pytest.mark.parametrize("of", RIGHT, ids="-".join)
def test_right_document_passes(of: Sample) -> None:
    assert validate(sample(of), of[0], of[1]) == ()


@pytest.mark.parametrize(("of", "path"), MISSING)
def test_missing_field_is_named_at_the_object_that_lacks_it(of: Sample, path: str) -> None:
    *way, last = steps(path)
    violation = only(damaged(of, path, GONE), of)
    assert (violation.path, violation.message) == (path_of(tuple(way)), f'missing required field "{last}"')


@pytest.mark.parametrize(("of", "path", "value", "words"), WRONG)
def test_wrong_value_is_named_at_its_place(of: Sample, path: str, value: JSON, words: str) -> None:
    violation = only(damaged(of, path, value), of)
    assert violation.path == path_of(steps(path))
    assert words in violation.message


@pytest.mark.parametrize(("of", "path", "value", "where", "words"), ELSEWHERE)
def test_damage_is_named_where_it_shows(of: Sample, path: str, value: JSON, where: str, words: str) -> None:
    violation = only(damaged(of, path, value), of)
    assert violation.path == where
    assert words in violation.message


# ── the schemas themselves ───────────────────────────────────────────────────────────────────────────────────────────


def schema_of(dialect: str, kind: DocumentKind) -> Wire:
    return cast("Wire", json.loads(files(find(dialect).package).joinpath(f"{kind}.schema.json").read_text("utf-8")))


def plain_validator(dialect: str, kind: DocumentKind) -> Draft202012Validator:
    """Return jsonschema's own validator: the schemas as they stand, without our tables."""
    known = {name: DRAFT202012.create_resource(schema_of(dialect, name)) for name in DOCUMENT_KINDS}
    registry = EMPTY_REGISTRY.with_resources((f"{name}.schema.json", schema) for name, schema in known.items())
    return Draft202012Validator(schema_of(dialect, kind), registry=registry)


@pytest.mark.parametrize(("dialect", "kind"), SCHEMAS)
def test_schema_is_valid_draft_2020_12(dialect: str, kind: DocumentKind) -> None:
    schema = schema_of(dialect, kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema["title"]


@pytest.mark.parametrize(("dialect", "kind"), SCHEMAS)
def test_our_tables_change_no_verdict(dialect: str, kind: DocumentKind) -> None:
    plain = plain_validator(dialect, kind)
    bodies = [body for of, body in DAMAGED if of[:2] == (dialect, kind)]
    assert bodies
    for body in bodies:
        expected = {path_of(tuple(error.absolute_path)) for error in plain.iter_errors(body)}
        assert {violation.path for violation in validate(body, dialect, kind)} == expected


def with_unknown_fields(value: JSON) -> JSON:
    match value:
        case dict():
            inner = {key: item if key in MAPS else with_unknown_fields(item) for key, item in value.items()}
            return {**inner, "not_in_any_schema": {"type": 1}}
        case list():
            return [with_unknown_fields(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("of", RIGHT, ids="-".join)
def test_unknown_fields_are_allowed_everywhere(of: Sample) -> None:
    # an item that is an id alone is a reference; with a second field it has to say its type
    body = json.loads(json.dumps(sample(of)).replace('{"id": "msg_2"}, ', ""))
    assert validate(with_unknown_fields(body), of[0], of[1]) == ()


# ── the validator ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_violation_is_listed() -> None:
    body: JSON = {"messages": [{"role": "user", "content": 1}, {"content": "Hi"}], "n": 0}
    paths = [violation.path for violation in validate(body, "openai-chat", "request")]
    assert sorted(paths) == ["$.messages[0].content", "$.messages[1]", "$.n"]


def test_several_missing_fields_are_one_violation() -> None:
    (violation,) = validate({"model": "claude-opus-5"}, "anthropic", "request")
    assert violation == Violation("$", 'missing required fields "max_tokens", "messages"', "an object with 1 fields")


def test_large_value_is_cut() -> None:
    (violation,) = validate({"model": "m", "input": [{"role": "x" * 1_000_000, "content": ""}]}, "responses", "request")
    assert len(violation.message) + len(violation.value) < 300


def test_body_is_not_changed() -> None:
    of: Sample = ("anthropic", "request", "everything")
    body = sample(of)
    validate(body, *of[:2])
    assert body == sample(of)


def test_alias_names_the_dialect() -> None:
    assert validate({"error": "no"}, "Ollama", "error") == validate({"error": "no"}, "ollama", "error") == ()


def test_unknown_dialect_is_refused() -> None:
    with pytest.raises(UnknownDialect):
        validate({}, "klingon", "request")


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(CallerError, match="anthropic has no JSON Schema for a document of kind"):
        validate({}, "anthropic", cast("DocumentKind", "../../request"))


def nested(levels: int) -> JSON:
    schema: JSON = {"type": "object"}
    for _ in range(levels):
        schema = {"items": schema}
    tool: JSON = {"functionDeclarations": {"name": "f", "parameters": schema}}
    return {"contents": [{"parts": [{"text": ""}]}], "tools": tool}


def test_schema_nested_as_deep_as_allowed_passes() -> None:
    assert validate(nested(MAX_DEPTH - 6), "gemini", "request") == ()


@pytest.mark.parametrize("levels", [MAX_DEPTH - 3, 10_000])
def test_deeper_body_is_one_violation(levels: int) -> None:
    (violation,) = validate(nested(levels), "gemini", "request")
    assert violation.message == f"nested deeper than {MAX_DEPTH} levels"


def from_below(frames: int, body: JSON) -> tuple[Violation, ...]:
    return from_below(frames - 1, body) if frames else validate(body, "gemini", "request")


def test_body_too_deep_for_the_stack_that_is_left_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nested too deeply to be validated here"):
        from_below(sys.getrecursionlimit() - 400, nested(MAX_DEPTH - 6))


FIELDS = st.sampled_from(["type", "role", "content", "messages", "input", "parts", "contents", "error", "tools"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()))
ODD = st.recursive(
    SCALARS | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner),
    max_leaves=20,
)


@given(body=ODD, schema=st.sampled_from(SCHEMAS))
def test_no_value_crashes(body: JSON, schema: tuple[str, DocumentKind]) -> None:
    for violation in validate(body, *schema):
        assert (violation.path + violation.message + violation.value).encode()


def test_module_is_imported_without_jsonschema() -> None:
    program = "import sys, dragoman.schemas.validate; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# ── what the vendors' own types write ────────────────────────────────────────────────────────────────────────────────


def test_request_of_openai_chat_types_passes() -> None:
    request: CompletionCreateParamsNonStreaming = {
        "model": "gpt-5.4",
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
            {
                "role": "assistant",
                "tool_calls": [{"type": "function", "id": "1", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        "tools": [{"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": None}},
    }
    assert validate(cast("JSON", request), "openai-chat", "request") == ()


def test_request_of_openai_responses_types_passes() -> None:
    request: ResponseCreateParamsNonStreaming = {
        "model": "gpt-5.4",
        "input": [
            {"role": "user", "content": [{"type": "input_image", "detail": "auto", "file_id": "file_1"}]},
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": None},
            {
                "type": "mcp_list_tools",
                "id": "mcpl_1",
                "server_label": "s",
                "tools": [{"name": "f", "input_schema": {}}],
            },
            {"type": "mcp_approval_response", "approval_request_id": "1", "approve": True},
            {"type": "computer_call_output", "call_id": "1", "output": {"type": "computer_screenshot"}},
        ],
        "tools": [{"type": "image_generation"}, {"type": "computer"}, {"type": "local_shell"}],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": []},
    }
    assert validate(cast("JSON", request), "openai-responses", "request") == ()


def test_request_of_anthropic_types_passes() -> None:
    request: MessageCreateParamsNonStreaming = {
        "model": "claude-opus-5",
        "max_tokens": 1,
        "messages": [
            {"role": "user", "content": [{"type": "search_result", "source": "s", "title": "t", "content": []}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]},
        ],
        "tools": [{"type": "bash_20250124", "name": "bash"}, {"type": "web_fetch_20250910", "name": "web_fetch"}],
        "thinking": {"type": "adaptive"},
    }
    assert validate(cast("JSON", request), "anthropic", "request") == ()


def test_response_of_openai_chat_types_passes() -> None:
    from openai.types.chat import ChatCompletion

    completion = ChatCompletion.model_validate(SAMPLES["openai-chat"]["response"]["text"])
    assert validate(completion.model_dump(mode="json"), "openai-chat", "response") == ()


def test_response_of_openai_responses_types_passes() -> None:
    from openai.types.responses import Response

    response = Response.model_validate(SAMPLES["openai-responses"]["response"]["text"])
    assert validate(response.model_dump(mode="json"), "openai-responses", "response") == ()


def test_response_of_anthropic_types_passes() -> None:
    from anthropic.types import Message

    message = Message.model_validate(SAMPLES["anthropic"]["response"]["text"])
    assert validate(message.model_dump(mode="json"), "anthropic", "response") == ()


@pytest.mark.parametrize("camel", [True, False])
def test_body_of_gemini_types_passes(camel: bool) -> None:
    from google.genai.types import Blob, Content, GenerateContentResponse, Part

    content = Content(role="user", parts=[Part(inline_data=Blob(mime_type="image/png", data=b"\xff\xfe"))])
    answer = GenerateContentResponse.model_validate(SAMPLES["gemini"]["response"]["text"])
    contents: JSON = [content.model_dump(mode="json", by_alias=camel)]
    assert validate({"contents": contents}, "gemini", "request") == ()
    assert validate(answer.model_dump(mode="json", by_alias=camel, exclude_none=True), "gemini", "response") == ()


def test_body_of_ollama_types_passes() -> None:
    from ollama import ChatResponse
    from ollama._types import ChatRequest

    request = ChatRequest.model_validate(SAMPLES["ollama"]["request"]["chat"])
    answer = ChatResponse.model_validate(SAMPLES["ollama"]["response"]["chat"])
    assert validate(request.model_dump(mode="json"), "ollama", "request") == ()
    assert validate(answer.model_dump(mode="json"), "ollama", "response") == ()


# ── recordings ───────────────────────────────────────────────────────────────────────────────────────────────────────

RECORDED = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
}
# an echo server answered in place of a model
NO_ANSWERS = ("test_invalid_response.yaml",)


def recordings(corpus: str) -> Iterator[tuple[str, str, DocumentKind, JSON]]:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        for exchange in map(json.loads, lines):
            dialect, failed = RECORDED.get(exchange["protocol"]), exchange["status"] >= 400
            if dialect and not failed:
                yield exchange["id"], dialect, "request", exchange["request"]
            if dialect and not exchange["stream"]:
                yield exchange["id"], dialect, "error" if failed else "response", exchange["response"]


if "DRAGOMAN_CORPUS" in os.environ:

    def test_recordings_pass() -> None:
        found = [row for row in recordings(os.environ["DRAGOMAN_CORPUS"]) if row[3] is not None]
        real = [row for row in found if not any(name in row[0] for name in NO_ANSWERS)]
        broken = {name: validate(body, dialect, kind) for name, dialect, kind, body in real}
        assert {name: violations for name, violations in broken.items() if violations} == {}
        assert len(real) > 1_000
