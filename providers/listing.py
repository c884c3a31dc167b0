"""A listing of models, of any vendor → the same few fields.

Vendors put the same facts in other places, and one server may speak like several: so every fact is looked for wherever
a vendor is known to say it. What is odd is passed over; what has no field here is kept in `extra`, in the vendor's own
words. Prices that vendors tell a token, or in cents, become US dollars a million tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import MalformedJSON, ProtocolFault, Rejected
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import count, flag, number, objects, show, text

__all__ = ["MAX_PAGES", "PUBLIC", "Listing", "Model", "is_free", "read_models"]

MAX_PAGES = 50
MAX_PRICE = 1e9
# These list their models to everybody: it takes no key, and proves none.
PUBLIC = frozenset({"github-models", "huggingface", "llamacpp", "nvidia", "openrouter"})

# Where a fact may be, the most telling place first.
_IDS: tuple[At, ...] = (("id",), ("slug",), ("model_name",), ("key",), ("model",), ("name",))
_NAMES: tuple[At, ...] = (("display_name",), ("displayName",), ("name",))
_OWNERS: tuple[At, ...] = (("owned_by",), ("publisher",), ("organization",), ("model_info", "litellm_provider"))
_CONTEXTS: tuple[At, ...] = (
    ("context_length",),
    ("context_window",),
    ("max_context_length",),
    ("max_model_len",),
    ("inputTokenLimit",),
    ("max_input_tokens",),
    ("limits", "max_input_tokens"),
    ("model_info", "max_input_tokens"),
    ("meta", "n_ctx"),
    ("meta", "n_ctx_train"),
)
_OUTPUTS: tuple[At, ...] = (
    ("top_provider", "max_completion_tokens"),
    ("max_completion_tokens",),
    ("max_output_tokens",),
    ("outputTokenLimit",),
    ("limits", "max_output_tokens"),
    ("model_info", "max_output_tokens"),
    ("max_tokens",),  # of Anthropic's listing: the most that a request may ask for
)
# place → what its number has to be multiplied with
_PRICES_INPUT: Mapping[At, float] = {
    ("pricing", "prompt"): 1e6,
    ("pricing", "input"): 1.0,
    ("model_info", "input_cost_per_token"): 1e6,
    ("prompt_text_token_price",): 1e-4,  # xAI: cents for 100 million
}
_PRICES_OUTPUT: Mapping[At, float] = {
    ("pricing", "completion"): 1e6,
    ("pricing", "output"): 1.0,
    ("model_info", "output_cost_per_token"): 1e6,
    ("completion_text_token_price",): 1e-4,
}
# what else may cost something, as in `Prices` → where vendors tell it. OpenRouter's prices of pictures are left out: it
# tells some of them a token, and others a picture.
_PRICES: Mapping[str, Mapping[At, float]] = {
    "cache_read": {
        ("pricing", "input_cache_read"): 1e6,
        ("model_info", "cache_read_input_token_cost"): 1e6,
        ("cached_prompt_text_token_price",): 1e-4,
    },
    "cache_write": {
        ("pricing", "input_cache_write"): 1e6,
        ("model_info", "cache_creation_input_token_cost"): 1e6,
    },
    "cache_write_1h": {
        ("pricing", "input_cache_write_1h"): 1e6,
        ("model_info", "cache_creation_input_token_cost_above_1hr"): 1e6,
    },
    "reasoning": {
        ("pricing", "internal_reasoning"): 1e6,
        ("model_info", "output_cost_per_reasoning_token"): 1e6,
    },
    "input_audio": {("pricing", "audio"): 1e6, ("model_info", "input_cost_per_audio_token"): 1e6},
    "input_image": {
        ("pricing", "image_token"): 1e6,
        ("model_info", "input_cost_per_image_token"): 1e6,
        ("prompt_image_token_price",): 1e-4,
    },
    "output_audio": {("pricing", "audio_output"): 1e6, ("model_info", "output_cost_per_audio_token"): 1e6},
    "output_image": {("model_info", "output_cost_per_image_token"): 1e6},
    "request": {("pricing", "request"): 1.0},
}
_PRICES_TOOLS: Mapping[str, Mapping[At, float]] = {
    "web_search": {
        ("pricing", "web_search"): 1.0,
        ("model_info", "search_context_cost_per_query", "search_context_size_medium"): 1.0,
    },
}
_INPUTS: tuple[At, ...] = (("architecture", "input_modalities"), ("input_modalities",), ("supported_input_modalities",))
_RESULTS: tuple[At, ...] = (
    ("architecture", "output_modalities"),
    ("output_modalities",),
    ("supported_output_modalities",),
)
_PARAMETERS: tuple[At, ...] = (("supported_parameters",), ("model_info", "supported_openai_params"))
_TOOLS: tuple[At, ...] = (
    ("supports_tools",),
    ("capabilities", "function_calling"),
    ("capabilities", "trained_for_tool_use"),
    ("model_info", "supports_function_calling"),
)
_VISION: tuple[At, ...] = (
    ("supports_image_input",),
    ("capabilities", "vision"),
    ("capabilities", "image_input", "supported"),
    ("model_info", "supports_vision"),
)
_REASONING: tuple[At, ...] = (
    ("thinking",),
    ("capabilities", "reasoning"),
    ("capabilities", "thinking", "supported"),
    ("model_info", "supports_reasoning"),
)
# What vendors call it in a list of capabilities, or of parameters.
_TOOL_WORDS = frozenset({"tools", "tool_use", "tool-calling", "tool_calling", "function_calling"})
_VISION_WORDS = frozenset({"vision", "image_input", "multimodal"})
_REASONING_WORDS = frozenset({"reasoning", "thinking", "include_reasoning", "reasoning_effort"})
_CREATED: tuple[At, ...] = (("created",), ("created_at",))
# a vendor's own field → the field of a Model that says the same, if it does
_FIELDS = {
    str(place[0]): field
    for field, places in (
        ("name", _NAMES),
        ("owner", _OWNERS),
        ("context", _CONTEXTS),
        ("max_output", _OUTPUTS),
        ("modalities", _INPUTS),
        ("outputs", _RESULTS),
        ("parameters", _PARAMETERS),
        ("tools", _TOOLS),
        ("vision", _VISION),
        ("reasoning", _REASONING),
        ("created", _CREATED),
    )
    for place in places
    if len(place) == 1
}


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """None is "not said". Prices are in US dollars a million tokens; `prices` are the others, by their names in
    `Prices`. `extra` is what else the vendor says."""

    id: str
    profile: str
    name: str | None = None
    context: int | None = None
    max_output: int | None = None
    price_input: float | None = None
    price_output: float | None = None
    prices: Wire = {}
    modalities: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    tools: bool | None = None
    vision: bool | None = None
    reasoning: bool | None = None
    created: int | None = None
    owner: str | None = None
    extra: Wire = {}


class Listing:
    """Models of page after page. `next` is the call for the next page, None where there is no more."""

    def __init__(self, profile: Profile, call: Call) -> None:
        self.next: Call | None = call
        self._profile, self._first = profile, call
        self._models: dict[str, Model] = {}
        self._marks: set[str] = set()

    @property
    def models(self) -> tuple[Model, ...]:
        return tuple(self._models.values())

    def add(self, raw: bytes) -> None:
        """Take the body of a page. Raises ProtocolFault or Rejected for what is no listing."""
        try:
            wire = read_json(raw)
        except MalformedJSON as error:
            raise ProtocolFault(f"no list of models: {error}") from error
        for model in read_models(self._profile, wire):
            self._models.setdefault(model.id, model)
        self.next = self._after(_mark(wire))

    def _after(self, mark: tuple[str, str] | None) -> Call | None:
        """Return the call for the page that a mark leads to: no page twice, and not for ever."""
        if mark is None or mark[1] in self._marks or len(self._marks) + 1 >= MAX_PAGES:
            return None
        self._marks.add(mark[1])
        joint = "&" if "?" in self._first.url else "?"
        return msgspec.structs.replace(self._first, url=f"{self._first.url}{joint}{urlencode([mark])}")


def read_models(profile: Profile, wire: JSON) -> tuple[Model, ...]:
    """Return the models of one page of a listing. Raises ProtocolFault for what is none, Rejected for an error."""
    if isinstance(wire, dict) and wire.get("error"):
        raise Rejected(find(profile.dialect).errors.decode_error(wire, None))
    return tuple(_model(profile, entry) for entry in _entries(wire) if _id(entry))


def is_free(model: Model) -> bool:
    """Say whether the vendor says that it costs nothing."""
    return model.price_input == 0 and model.price_output == 0


def _entries(wire: JSON) -> Iterator[Wire]:
    listed = wire
    if isinstance(wire, dict):
        listed = next((wire[name] for name in ("data", "models") if isinstance(wire.get(name), list)), None)
    if not isinstance(listed, list):
        raise ProtocolFault(f"no list of models: {show(wire)}")
    # llama.cpp says the same models twice, the one time with what they can do.
    twins = {_id(twin): twin for twin in objects(wire.get("models"))} if isinstance(wire, dict) else {}
    for entry in listed:
        if isinstance(entry, str):
            yield {"id": entry}
        elif isinstance(entry, dict):
            yield {**twins.get(_id(entry), {}), **entry}


def _model(profile: Profile, entry: Wire) -> Model:
    # Hugging Face tells limits and prices of every provider behind a model.
    known = {**_offer(entry), **entry}
    modalities, outputs = _modalities(known)
    parameters = _texts(_first(known, _PARAMETERS))
    able = frozenset(_texts(known.get("capabilities"))) | frozenset(parameters)
    told = known.get("type") == "vlm" or "image" in modalities
    model = Model(
        id=_id(entry).removeprefix("models/") if find(profile.dialect).family == "gemini" else _id(entry),
        profile=profile.name,
        name=next((name for name in map(text, _all(known, _NAMES)) if name and name != _id(entry)), None),
        context=_count(known, _CONTEXTS),
        max_output=_count(known, _OUTPUTS),
        price_input=_price(known, _PRICES_INPUT),
        price_output=_price(known, _PRICES_OUTPUT),
        prices=_prices(known),
        modalities=modalities,
        outputs=outputs,
        parameters=parameters,
        tools=_ability(known, _TOOLS, says_so=bool(able & _TOOL_WORDS), says_not="supported_parameters" in known),
        vision=_ability(known, _VISION, says_so=told or bool(able & _VISION_WORDS), says_not=bool(modalities)),
        reasoning=_ability(known, _REASONING, says_so=bool(able & _REASONING_WORDS), says_not=False),
        created=_created(known),
        owner=next((owner for owner in map(text, _all(known, _OWNERS)) if owner), None),
    )
    return msgspec.structs.replace(model, extra=_rest(entry, model))


def _mark(wire: JSON) -> tuple[str, str] | None:
    """Return the query parameter that leads to the next page."""
    if not isinstance(wire, dict):
        return None
    token, last = text(wire.get("nextPageToken")), text(wire.get("last_id"))
    if token:
        return "pageToken", token
    return ("after_id", last) if last and wire.get("has_more") is True else None


def _id(entry: Wire) -> str:
    return next((found for found in map(text, _all(entry, _IDS)) if found), "")


def _offer(entry: Wire) -> Wire:
    """Return the facts of the first provider behind a model that is up; tools, where any of them knows them."""
    offers = objects(entry.get("providers"))
    if not offers:
        return {}
    live = next((offer for offer in offers if offer.get("status") == "live"), offers[0])
    facts: Wire = {name: value for name, value in live.items() if name in ("context_length", "pricing")}
    able = [flag(offer.get("supports_tools")) for offer in offers]
    return {**facts, "supports_tools": any(able)} if any(one is not None for one in able) else facts


def _modalities(entry: Wire) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a model reads and what it writes; OpenRouter once said both in one text, "text+image->text"."""
    both = text(_at(entry, ("architecture", "modality"))) or ""
    before, _, after = both.partition("->")
    into, out = _texts(_first(entry, _INPUTS)), _texts(_first(entry, _RESULTS))
    return into or _words(before), out or _words(after)


def _words(said: str) -> tuple[str, ...]:
    return tuple(word for word in said.split("+") if word)


def _ability(entry: Wire, places: Sequence[At], *, says_so: bool, says_not: bool) -> bool | None:
    told = next((value for value in map(flag, _all(entry, places)) if value is not None), None)
    if says_so or told:
        return True
    return False if told is False or says_not else None


def _price(entry: Wire, places: Mapping[At, float]) -> float | None:
    """Return a price, if it is one; a negative one is OpenRouter's way to say that it depends."""
    for place, factor in places.items():
        found = _number(_at(entry, place))
        if found is not None:
            return round(found * factor, 9) if 0 <= found < MAX_PRICE else None
    return None


def _prices(entry: Wire) -> Wire:
    """Return the other prices. A 0 says that there is none: what it would be of is priced as input or output."""
    found: Wire = {name: price for name, places in _PRICES.items() if (price := _price(entry, places))}
    tools: Wire = {name: price for name, places in _PRICES_TOOLS.items() if (price := _price(entry, places))}
    return {**found, "tools": tools} if tools else found


def _number(value: JSON) -> int | float | None:
    if not isinstance(value, str):
        return number(value)
    try:
        return float(value) if len(value) < 40 else None
    except ValueError:
        return None


def _count(entry: Wire, places: Sequence[At]) -> int | None:
    return next((found for found in map(count, _all(entry, places)) if found is not None and found > 0), None)


def _created(entry: Wire) -> int | None:
    """Return seconds since 1970, which some vendors write as a date."""
    said = _first(entry, _CREATED)
    if not isinstance(said, str):
        found = number(said)
        return int(found) if found is not None and 0 < found < 1e11 else None
    from datetime import UTC, datetime

    try:
        date = datetime.fromisoformat(said)
        return max(int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()), 0) or None
    except (ValueError, OverflowError):
        return None


def _rest(entry: Wire, model: Model) -> Wire:
    """Return what the model's own fields do not say."""
    said = (None, _id(entry))
    beside = {name: value for name, value in entry.items() if value not in said and name != "object"}
    return {name: value for name, value in beside.items() if not _is_field(model, _FIELDS.get(name), value)}


def _is_field(model: Model, field: str | None, value: JSON) -> bool:
    if field is None:
        return False
    held = getattr(model, field)
    return (type(held) is type(value) and held == value) or (isinstance(value, list) and held == tuple(value) != ())


def _first(entry: Wire, places: Sequence[At]) -> JSON:
    return next(_all(entry, places), None)


def _all(entry: Wire, places: Sequence[At]) -> Iterator[JSON]:
    return (found for place in places if (found := _at(entry, place)) is not None)


def _at(entry: Wire, place: At) -> JSON:
    found: JSON = entry
    for step in place:
        found = found.get(str(step)) if isinstance(found, dict) else None
    return found


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
