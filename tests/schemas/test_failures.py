"""What went wrong, in one vocabulary: from statuses and words, and back."""

from __future__ import annotations

from typing import get_args

import pytest

from dragoman.schemas.failures import kind_of_failure, status_of
from dragoman.schemas.ir import ErrorKind


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_every_kind_has_a_status_that_leads_back(kind: ErrorKind) -> None:
    assert kind_of_failure(status_of(kind)) == ("server" if kind == "unknown" else kind)


@pytest.mark.parametrize(
    ("status", "kind"), [(418, "invalid_request"), (529, "overloaded"), (520, "server"), (599, "server")]
)
def test_odd_statuses_are_read_by_their_class(status: int, kind: ErrorKind) -> None:
    assert kind_of_failure(status, "rate_limit") == kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("insufficient_quota", "billing"),
        ("rate_limit_error", "rate_limit"),
        ("RESOURCE_EXHAUSTED", "rate_limit"),
        ("overloaded_error", "overloaded"),
        ("UNAVAILABLE", "overloaded"),
        ("invalid_api_key", "authentication"),
        ("PERMISSION_DENIED", "permission"),
        ("model_not_found", "not_found"),
        ("request_too_large", "too_large"),
        ("DEADLINE_EXCEEDED", "timeout"),
        ("INVALID_ARGUMENT", "invalid_request"),
        ("INTERNAL", "server"),
        ("words", "unknown"),
    ],
)
def test_words_of_vendors_are_read(word: str, kind: ErrorKind) -> None:
    assert kind_of_failure(None, None, 7, word) == kind


@pytest.mark.parametrize("status", [None, 0, 200])
def test_status_that_is_no_failure_says_nothing(status: int | None) -> None:
    assert kind_of_failure(status, "timeout") == "timeout"


@pytest.mark.parametrize(
    ("code", "kind"), [(429, "rate_limit"), ("404", "not_found"), (7, "unknown"), ("42²", "unknown")]
)
def test_code_that_is_a_status_tells_the_kind(code: object, kind: str) -> None:
    assert kind_of_failure(None, code) == kind
