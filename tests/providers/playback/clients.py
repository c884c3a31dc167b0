"""The vendors' own Python SDKs, each leading the same conversation with a server in its own words.

`lead` asks, with a tool; sends the answer back as the SDK holds it, with the tool's result; and returns what was said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import anthropic
import ollama
import openai
from google import genai
from google.genai import types

from tests.providers.playback.recorded import MODEL, TOOL_SCHEMA

__all__ = ["CLIENTS", "SAID", "Said"]

SYSTEM, QUESTION = "You are a helper.", "What is the weather in Paris?"
NAME, ABOUT = "get_weather", "Tell the weather."
RESULT = {"celsius": 21}


class Said(NamedTuple):
    first: str
    tool: str
    arguments: Mapping[str, Any]
    second: str


SAID = Said("Let me see.", NAME, {"city": "Paris"}, "It is 21 degrees in Paris.")


def _chat(base: str, *, streams: bool) -> Said:
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    tool: Any = {"type": "function", "function": {"name": NAME, "description": ABOUT, "parameters": TOOL_SCHEMA}}
    messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    with client:
        first = _chat_message(client, messages, tool, streams=streams)
        call = first.tool_calls[0]
        told = {"role": "tool", "tool_call_id": call.id, "content": json.dumps(RESULT)}
        back = {"role": "assistant", "content": first.content, "tool_calls": [_chat_call(call)]}
        second = _chat_message(client, [*messages, back, told], tool, streams=streams)
    return Said(first.content, call.function.name, json.loads(call.function.arguments), second.content)


def _chat_call(call: Any) -> Any:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat_message(client: openai.OpenAI, messages: list[Any], tool: Any, *, streams: bool) -> Any:
    if not streams:
        made = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
        return made.choices[0].message
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[tool]) as stream:
        stream.until_done()
        return stream.get_final_completion().choices[0].message


def _responses(base: str, *, streams: bool) -> Said:
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    asked: list[Any] = [{"role": "user", "content": QUESTION}]
    with client:
        first = _responses_answer(client, asked, streams=streams)
        call = next(item for item in first.output if item.type == "function_call")
        told = {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(RESULT)}
        second = _responses_answer(client, [*asked, *first.output, told], streams=streams)
    return Said(first.output_text, call.name, json.loads(call.arguments), second.output_text)


def _responses_answer(client: openai.OpenAI, said: list[Any], *, streams: bool) -> Any:
    tool: Any = {"type": "function", "name": NAME, "description": ABOUT, "parameters": TOOL_SCHEMA, "strict": False}
    if not streams:
        return client.responses.create(model=MODEL, instructions=SYSTEM, input=said, tools=[tool])
    with client.responses.stream(model=MODEL, instructions=SYSTEM, input=said, tools=[tool]) as stream:
        return stream.until_done().get_final_response()


def _anthropic(base: str, *, streams: bool) -> Said:
    client = anthropic.Anthropic(base_url=base, api_key="none", max_retries=0)
    asked: list[Any] = [{"role": "user", "content": QUESTION}]
    with client:
        first = _anthropic_message(client, asked, streams=streams)
        call = next(block for block in first.content if block.type == "tool_use")
        told = {"type": "tool_result", "tool_use_id": call.id, "content": json.dumps(RESULT)}
        back = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": [told]}]
        second = _anthropic_message(client, back, streams=streams)
    return Said(_anthropic_text(first), call.name, call.input, _anthropic_text(second))


def _anthropic_text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _anthropic_message(client: anthropic.Anthropic, messages: list[Any], *, streams: bool) -> Any:
    tool: Any = {"name": NAME, "description": ABOUT, "input_schema": TOOL_SCHEMA}
    asked: Any = {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "messages": messages, "tools": [tool]}
    if not streams:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


def _gemini(base: str, *, streams: bool) -> Said:
    client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=base))
    asked = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
    with client:
        first = _gemini_parts(client, asked, streams=streams)
        call = next(part.function_call for part in first if part.function_call)
        told = types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response=RESULT))
        model = types.Content(role="model", parts=first)
        back = [*asked, model, types.Content(role="user", parts=[told])]
        second = _gemini_parts(client, back, streams=streams)
    return Said(_gemini_text(first), call.name, call.args, _gemini_text(second))


def _gemini_text(parts: list[Any]) -> str:
    return "".join(part.text or "" for part in parts)


def _gemini_parts(client: genai.Client, contents: list[Any], *, streams: bool) -> list[Any]:
    function = types.FunctionDeclaration(name=NAME, description=ABOUT, parameters_json_schema=TOOL_SCHEMA)
    config = types.GenerateContentConfig(
        system_instruction=SYSTEM,
        tools=[types.Tool(function_declarations=[function])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    if not streams:
        answers = [client.models.generate_content(model=MODEL, contents=contents, config=config)]
    else:
        answers = list(client.models.generate_content_stream(model=MODEL, contents=contents, config=config))
    found = [answer.candidates[0].content for answer in answers if answer.candidates]
    return [part for content in found if content and content.parts for part in content.parts]


def _ollama(base: str, *, streams: bool) -> Said:
    client = ollama.Client(host=base)
    asked: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    first = _ollama_message(client, asked, streams=streams)
    call = first["tool_calls"][0]
    told = {"role": "tool", "tool_name": call.function.name, "content": json.dumps(RESULT)}
    second = _ollama_message(client, [*asked, {"role": "assistant", **first}, told], streams=streams)
    client._client.close()
    return Said(first["content"], call.function.name, dict(call.function.arguments), second["content"])


def _ollama_message(client: ollama.Client, messages: list[Any], *, streams: bool) -> dict[str, Any]:
    function = {"name": NAME, "description": ABOUT, "parameters": TOOL_SCHEMA}
    tools: Any = [{"type": "function", "function": function}]
    if streams:
        answers = list(client.chat(model=MODEL, messages=messages, tools=tools, stream=True))
    else:
        answers = [client.chat(model=MODEL, messages=messages, tools=tools)]
    calls = [call for answer in answers for call in answer.message.tool_calls or ()]
    return {"content": "".join(answer.message.content or "" for answer in answers), "tool_calls": calls}


CLIENTS: Mapping[str, Callable[..., Said]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
}
