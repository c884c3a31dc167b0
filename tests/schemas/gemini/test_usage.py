"""Gemini counts by what the tokens are, in lists that are said in fields where the IR has them."""

from __future__ import annotations

import pytest

from dragoman.schemas.gemini.usage import decode_usage, encode_usage
from dragoman.schemas.ir import JSON, Usage, Wire
from dragoman.schemas.losses import Losses

NAME = "gemini"


def said(modality: str, told: JSON) -> Wire:
    return {"modality": modality, "tokenCount": told}


def usage_of(**fields: JSON) -> Usage:
    usage = decode_usage(fields, ("usageMetadata",))
    assert usage is not None
    return usage


def written(usage: Usage) -> tuple[Wire, list[str]]:
    losses = Losses()
    return encode_usage(usage, losses), [loss.feature for loss in losses.found]


def test_sounds_and_pictures_are_told_apart_and_come_back() -> None:
    wire: Wire = {
        "promptTokenCount": 100,
        "promptTokensDetails": [said("TEXT", 50), said("AUDIO", 40), said("IMAGE", 10)],
        "candidatesTokenCount": 30,
        "candidatesTokensDetails": [said("TEXT", 5), said("IMAGE", 25)],
        "totalTokenCount": 130,
    }
    usage = usage_of(**wire)
    assert (usage.input_audio, usage.input_image, usage.output_audio, usage.output_image) == (40, 10, 0, 25)
    assert usage.extra is None
    assert written(usage) == (wire, [])


def test_words_alone_are_no_news_and_come_back() -> None:
    wire: Wire = {"promptTokenCount": 100, "promptTokensDetails": [said("TEXT", 100)], "totalTokenCount": 100}
    usage = usage_of(**wire)
    assert (usage.input_audio, usage.extra) == (0, None)
    assert written(usage) == (wire, [])


def test_what_has_no_field_stays_geminis_own() -> None:
    entries: list[JSON] = [said("TEXT", 20), said("VIDEO", 50)]
    usage = usage_of(promptTokenCount=100, promptTokensDetails=[*entries, said("AUDIO", 30)])
    assert (usage.input_audio, usage.extra) == (30, {NAME: {"promptTokensDetails": entries}})
    assert written(usage)[0]["promptTokensDetails"] == [*entries, said("AUDIO", 30)]


@pytest.mark.parametrize(
    "entry", [said("TEXT", 99), said("AUDIO", "1"), {"modality": "IMAGE"}, {**said("IMAGE", 1), "more": 1}, "x", 7]
)
def test_entry_that_says_something_else_is_kept(entry: JSON) -> None:
    usage = usage_of(promptTokenCount=100, promptTokensDetails=[entry])
    assert usage.extra == {NAME: {"promptTokensDetails": [entry]}}
    assert written(usage)[0]["promptTokensDetails"] == [entry]


def test_second_entry_of_a_kind_is_kept() -> None:
    usage = usage_of(promptTokenCount=5, promptTokensDetails=[said("AUDIO", 3), said("AUDIO", 2)])
    assert (usage.input_audio, usage.extra) == (3, {NAME: {"promptTokensDetails": [said("AUDIO", 2)]}})


@pytest.mark.parametrize("odd", [[], None, "x", {"a": 1}])
def test_odd_lists_say_nothing_of_sounds(odd: JSON) -> None:
    usage = usage_of(promptTokenCount=5, promptTokensDetails=odd)
    assert (usage.input_audio, usage.extra) == (None, {NAME: {"promptTokensDetails": odd}} if odd else None)


def test_snake_case_is_read() -> None:
    entry: Wire = {"modality": "AUDIO", "token_count": 3}
    usage = decode_usage({"prompt_token_count": 5, "prompt_tokens_details": [entry]}, ())
    assert usage == Usage(input_tokens=5, input_audio=3, input_image=0)


def test_results_of_tools_are_counted_beside_the_prompt() -> None:
    wire: Wire = {"promptTokenCount": 10, "promptTokensDetails": [said("TEXT", 10)], "toolUsePromptTokenCount": 3}
    usage = usage_of(**wire)
    assert usage.input_tokens == 13
    assert written(usage)[0] == {**wire, "totalTokenCount": 13}


@pytest.mark.parametrize("usage", [Usage(tool_uses={"web_search": 1}), Usage(cache_write=3, cache_write_1h=3)])
def test_what_gemini_does_not_count_is_one_loss(usage: Usage) -> None:
    assert written(usage)[1] == ["usage"]
