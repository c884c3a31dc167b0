"""Documents of Gemini's generateContent."""

from __future__ import annotations

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, Wire
from tests.laws.wires.grammar import SCHEMA, TEXT, Documents, Said, listed, one_of, sprinkled, thing

__all__ = ["DOCUMENTS"]

_TEXT = thing({"text": TEXT})
_BLOB = thing(
    {
        "inlineData": one_of(
            {"mimeType": "image/png", "data": "~png~"},
            {"mimeType": "application/pdf", "data": "~pdf~"},
            {"mimeType": "audio/wav", "data": "~wav~"},
            {"mimeType": "video/mp4", "data": "~mp4~"},
        )
    },
    {"mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
)
_FILE = thing(
    {
        "fileData": one_of(
            {"mimeType": "image/png", "fileUri": "gs://bucket/<>.png"},
            {"mimeType": "video/mp4", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/f<>"},
            {"fileUri": "https://videos.example/watch?v=<>"},
        )
    },
    {"videoMetadata": {"startOffset": "1s", "endOffset": "2s"}},
)
_STRANGE = {"xPart": {"value": "<>"}}
_ARGS = one_of({}, {"city": "Köln <>"}, {"n": 12345678901234567890, "x": 1.0, "deep": [{"a": None}]})
_RAN: list[JSON] = [
    {"executableCode": {"language": "PYTHON", "code": "print('<>')"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "<>\n"}},
]


@st.composite
def _call(draw: st.DrawFn, number: int, identified: bool) -> Wire:
    called: Wire = {"name": draw(st.sampled_from(("look", "get_weather"))), "args": draw(_ARGS)}
    if identified:
        called["id"] = f"call-{number}"
    part: Wire = {"functionCall": called}
    return draw(thing(part, {"thoughtSignature": "~sig~"}))


def _result(call: Wire) -> st.SearchStrategy[Wire]:
    called = call["functionCall"]
    assert isinstance(called, dict)
    answered: Wire = {key: value for key, value in called.items() if key in ("id", "name")}
    response = one_of({"result": "seen <>"}, {"degrees": 21.0, "mark": "<>"}, {"error": "none <>"}, {})
    return thing({"functionResponse": thing({**answered, "response": response})})


@st.composite
def _answer(draw: st.DrawFn, calls: list[Wire]) -> list[JSON]:
    parts: list[JSON] = draw(
        st.lists(thing({"text": "I think <>", "thought": True}, {"thoughtSignature": "~sig~"}), max_size=1)
    )
    if draw(st.sampled_from((False, False, True))):
        parts += _RAN
    parts += draw(
        st.lists(thing({"text": TEXT}, {"thoughtSignature": "~sig~"}), min_size=0 if calls else 1, max_size=2)
    )
    return [*parts, *calls]


@st.composite
def _conversation(draw: st.DrawFn) -> JSON:
    spoken = listed(_TEXT, _TEXT, _BLOB, _FILE, _STRANGE)
    contents: list[JSON] = [draw(thing({"role": "user", "parts": spoken}))]
    identified = draw(st.booleans())
    made = 0
    for _ in range(draw(st.integers(0, 2))):
        calls = [draw(_call(made + number, identified)) for number in range(draw(st.integers(0, 2)))]
        made += len(calls)
        contents.append(draw(thing({"role": "model", "parts": draw(_answer(calls))})))
        results: list[JSON] = [draw(_result(call)) for call in calls]
        beside = draw(st.lists(one_of(_TEXT, _BLOB), min_size=0 if results else 1, max_size=2))
        contents.append(draw(thing({"role": "user", "parts": [*results, *beside]})))
    return contents


_DECLARATION = thing(
    {"name": "get_weather"},
    {
        "description": "Look. <>",
        "parametersJsonSchema": SCHEMA,
        "response": {"type": "STRING"},
        "behavior": "NON_BLOCKING",
    },
)
_SUBSET: Wire = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": True}}, "required": ["city"]}
_LOOK: JSON = {"name": "look", "description": "Look. <>", "parameters": _SUBSET}
_FUNCTIONS = one_of(
    {"functionDeclarations": [_LOOK]},
    thing({"functionDeclarations": st.tuples(st.just(_LOOK), _DECLARATION).map(list)}),
)
_OTHERS = one_of([], [{"googleSearch": {}}], [{"codeExecution": {}}], [{"urlContext": {}}])
_CHOICE = one_of(
    {"functionCallingConfig": {"mode": "AUTO"}},
    {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    {"functionCallingConfig": {"mode": "NONE"}},
    {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "de"}},
)
_CONFIG = thing(
    {},
    {
        "temperature": one_of(0, 0.5, 2.0),
        "topP": 0.9,
        "topK": 40,
        "seed": 42,
        "maxOutputTokens": 100,
        "candidateCount": 2,
        "stopSequences": ["END"],
        "frequencyPenalty": 0.5,
        "presencePenalty": -1,
        "responseMimeType": "application/json",
        "responseModalities": ["TEXT", "IMAGE"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "thinkingConfig": one_of(
            {"thinkingBudget": 1024, "includeThoughts": True}, {"thinkingBudget": 0}, {"thinkingLevel": "LOW"}
        ),
    },
    most=5,
)


@st.composite
def _configs(draw: st.DrawFn) -> Wire:
    config = draw(_CONFIG)
    if draw(st.booleans()):
        config |= {"responseLogprobs": True, "logprobs": 2}
    if draw(st.sampled_from((False, True))):
        config |= {"responseMimeType": "application/json"}
        config |= draw(st.sampled_from(({"responseSchema": _SUBSET}, {"responseJsonSchema": {"type": "object"}})))
    return config


_SETTINGS: dict[str, Said] = {
    "systemInstruction": thing({"parts": listed(_TEXT, most=2)}),
    "generationConfig": _configs(),
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "cachedContent": "cachedContents/<>",
    "labels": {"run": "<>"},
}


@st.composite
def _requests(draw: st.DrawFn) -> Wire:
    wire = draw(thing({"contents": _conversation()}, _SETTINGS, most=4))
    if draw(st.booleans()):
        others = draw(_OTHERS)
        assert isinstance(others, list)
        wire |= {"tools": [draw(_FUNCTIONS), *others]} | draw(thing({}, {"toolConfig": _CHOICE}))
    return wire


_OLD_REQUESTS = thing(
    {
        "contents": listed(
            {"parts": [{"text": "roleless <>"}]},
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "~png~"}}]},
            {"role": "model", "parts": [{"function_call": {"name": "look", "args": {"city": "<>"}}}]},
            {"role": "function", "parts": [{"function_response": {"name": "look", "response": {"output": "<>"}}}]},
            {"role": "model", "parts": [{"text": "", "thought_signature": "~sig~"}]},
            {"role": "user", "parts": [{"file_data": {"mime_type": "image/png", "file_uri": "gs://b/<>"}}]},
            {"role": "user", "parts": []},
        )
    },
    {
        "system_instruction": one_of(
            {"parts": {"text": "rules <>"}}, {"role": "system", "parts": [{"text": "rules <>"}]}
        ),
        "generation_config": {"max_output_tokens": 9, "top_p": 0.5, "stop_sequences": ["END"], "temperature": "warm"},
        "tools": [
            {"function_declarations": [{"name": "look", "parameters": {"type": "object"}}]},
            {"google_search": {}},
        ],
        "tool_config": {"function_calling_config": {"mode": "any"}},
        "safety_settings": None,
    },
    most=5,
)

# ---------------------------------------------------------------------------------------------------------- response
_CANDIDATE: dict[str, Said] = {
    "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
    "avgLogprobs": -0.5,
    "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 5, "uri": "https://pages.example/<>"}]},
    "groundingMetadata": {
        "webSearchQueries": ["cats <>"],
        "groundingChunks": [{"web": {"uri": "https://pages.example/<>", "title": "T <>"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 5, "text": "words"}, "groundingChunkIndices": [0]}
        ],
    },
    "logprobsResult": {
        "chosenCandidates": [{"token": "Yes", "logProbability": -0.25, "tokenId": 5}],
        "topCandidates": [{"candidates": [{"token": "Yes", "logProbability": -0.25}]}],
    },
    "finishMessage": "because <>",
}
_USAGE = thing(
    {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120},
    {
        "cachedContentTokenCount": 60,
        "promptTokensDetails": one_of(
            [{"modality": "TEXT", "tokenCount": 100}],
            [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
            [{"modality": "VIDEO", "tokenCount": 60}, {"modality": "IMAGE", "tokenCount": 40}],
        ),
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 20}],
        "toolUsePromptTokenCount": 3,
    },
)


@st.composite
def _candidate(draw: st.DrawFn, index: int) -> Wire:
    calls = [draw(_call(number, False)) for number in range(draw(st.integers(0, 2)))]
    stops = ("STOP",) if calls else ("STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
    content = draw(thing({"parts": draw(_answer(calls)), "role": "model"}))
    fixed: dict[str, Said] = {"content": content, "finishReason": draw(st.sampled_from(stops)), "index": index}
    return draw(thing(fixed, _CANDIDATE, most=2))


@st.composite
def _responses(draw: st.DrawFn) -> Wire:
    candidates: list[JSON] = [draw(_candidate(index)) for index in range(draw(st.sampled_from((1, 1, 2))))]
    fixed: dict[str, Said] = {"candidates": candidates, "usageMetadata": _USAGE, "modelVersion": "gemini-<>"}
    optional: dict[str, Said] = {"responseId": "resp_<>", "createTime": "2025-01-01T00:00:00Z", "modelStatus": {"x": 1}}
    return draw(thing(fixed, optional))


_OLD_RESPONSES = thing(
    {
        "candidates": listed(
            thing({"content": {"parts": [{"text": "Hello <>"}]}}, {"finish_reason": "STOP", "finishReason": 1}),
            {"finishReason": "SAFETY"},
            {"content": {"role": "model"}, "finishReason": "MAX_TOKENS"},
            {"content": {"parts": [{"thought": True, "text": "I think <>"}, {"xPart": {"value": "<>"}}]}},
            least=0,
            most=1,
        )
    },
    {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usage_metadata": {"prompt_token_count": 3},
        "usageMetadata": one_of(None, {"promptTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 12}),
        "model_version": "gemini-<>",
    },
)
_ERRORS = thing(
    {
        "error": thing(
            {"code": 400, "message": "No such thing <>", "status": "INVALID_ARGUMENT"},
            {"details": [{"@type": "t", "reason": "<>"}]},
        )
    }
)
DOCUMENTS = Documents(
    requests=sprinkled(_requests()),
    responses=sprinkled(_responses()),
    errors=sprinkled(_ERRORS),
    old_requests=sprinkled(_OLD_REQUESTS),
    old_responses=sprinkled(_OLD_RESPONSES),
)
