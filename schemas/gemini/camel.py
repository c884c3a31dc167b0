"""How Gemini spells: its fields, in camelCase or snake_case at every level, even mixed; its enums; names of functions.

Objects are respelled one level at a time, where a decoder opens them, and only if they need it: what is data (schemas,
arguments, responses, labels) is never opened. Enums may be sent as numbers: https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import re
from functools import lru_cache

from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.spelling import fit_name

__all__ = ["NAME", "as_said", "both_spellings", "camel", "fitted", "fitted_name", "word"]

NAME = "gemini"
_FIELDS = """
    systemInstruction generationConfig toolConfig safetySettings cachedContent serviceTier modelArmorConfig
    stopSequences maxOutputTokens candidateCount topP topK frequencyPenalty presencePenalty responseLogprobs
    responseMimeType responseSchema responseJsonSchema responseModalities responseFormat thinkingConfig speechConfig
    mediaResolution imageConfig audioTimestamp routingConfig modelSelectionConfig enableAffectiveDialog
    enableEnhancedCivicAnswers translationConfig audioTranscriptionConfig thinkingBudget thinkingLevel
    includeThoughts functionCallingConfig allowedFunctionNames streamFunctionCallArguments retrievalConfig
    includeServerSideToolInvocations functionDeclarations parametersJsonSchema googleSearch googleSearchRetrieval
    codeExecution urlContext fileSearch googleMaps computerUse mcpServers enterpriseWebSearch exaAiSearch
    parallelAiSearch inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall
    toolResponse thoughtSignature videoMetadata partMetadata audioTranscription mediaProcessing speechMetadata
    documentMetadata spreadsheetMetadata audioMetadata mimeType fileUri displayName willContinue partialArgs
    promptFeedback usageMetadata modelVersion responseId createTime modelStatus automaticFunctionCallingHistory
    sdkHttpResponse blockReason blockReasonMessage safetyRatings finishReason finishMessage citationMetadata
    groundingMetadata logprobsResult avgLogprobs tokenCount urlContextMetadata continuationToken promptTokenCount
    candidatesTokenCount thoughtsTokenCount totalTokenCount cachedContentTokenCount toolUsePromptTokenCount
    promptTokensDetails candidatesTokensDetails cacheTokensDetails toolUsePromptTokensDetails trafficType
    chosenCandidates topCandidates logProbability tokenId logProbabilitySum groundingChunks groundingSupports
    groundingChunkIndices confidenceScores renderedParts searchEntryPoint webSearchQueries retrievalMetadata
    retrievalQueries imageSearchQueries sourceFlaggingUris googleMapsWidgetContextToken retrievedContext startIndex
    endIndex partIndex citationSources publicationDate documentName sourceUri imageUri
"""
_HUMP = re.compile(r"(?=[A-Z])")
_SPELLED = {_HUMP.sub("_", field).lower(): field for field in _FIELDS.split()}
_SNAKES = {field: snake for snake, field in _SPELLED.items()}
_SNAKE = frozenset(_SPELLED)
_FITS = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")


def camel(wire: Wire) -> Wire:
    """Return an object of Gemini's with its known fields in camelCase: the object itself where they are already.

    Of two spellings of one field, the second stays as it is, as a field that nobody knows, unless the first is null.
    """
    if _SNAKE.isdisjoint(wire):
        return wire
    respelled: Wire = {}
    for key, value in wire.items():
        name = _SPELLED.get(key, key)
        if name == key or (wire.get(name) is None and respelled.get(name) is None):
            if value is not None or name not in respelled:
                respelled[name] = value
        else:
            respelled[key] = value
    return respelled


def as_said(wire: Wire, field: str) -> str:
    """Return how the source spells a field: for the places in losses."""
    snake = _SNAKES.get(field)
    return snake if snake is not None and wire.get(snake) is not None and wire.get(field) is None else field


def both_spellings(*path: str) -> tuple[At, ...]:
    """Return the places that a path of fields may have, every field in either spelling, camelCase first."""
    places: tuple[At, ...] = ((),)
    for field in path:
        spellings = (field, _SNAKES[field]) if field in _SNAKES else (field,)
        places = tuple((*place, spelling) for place in places for spelling in spellings)
    return places


def word(value: JSON, words: tuple[str, ...]) -> str | None:
    """Return the name of an enum's value in upper case, also of one that was sent as its number."""
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(words):
        return words[value]
    return None


@lru_cache(4096)
def fitted_name(name: str) -> str:
    """Return a name that Gemini takes: the name itself where it does already."""
    if _FITS.fullmatch(name):
        return name
    said = fit_name(name)
    return said if _FITS.fullmatch(said) else f"_{said}"


def fitted(name: str, at: At, feature: str, losses: Losses) -> str:
    said = fitted_name(name)
    if said != name:
        reason = f'Gemini takes no name like "{name[:80]}"; called {said}'
        losses.approximated(at, feature, reason, severity="advisory")  # answers have the name back
    return said
