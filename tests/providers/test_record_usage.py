"""What is recorded of usage: every count that was told, what tools were used, and what the cost is made of."""

from __future__ import annotations

from pathlib import Path

from dragoman.schemas.ir import Wire
from tests.providers.test_record import recorded
from tests.providers.wires import document, said


def test_usage_is_recorded_in_its_parts(tmp_path: Path) -> None:
    usage: Wire = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"audio_tokens": 4, "image_tokens": 0},
        "server_tool_use": {"web_search_requests": 1},
        "cost": 0.75,
        "cost_details": {"input_cost": 0.25},
    }
    line = recorded(tmp_path / "r.jsonl", document({**said("Hello"), "usage": usage}))
    assert line["usage"] == {
        "input_tokens": 9,
        "output_tokens": 5,
        "input_audio": 4,
        "tool_uses": {"web_search": 1},
        "cost": 0.75,
        "cost_parts": {"input": 0.25},
    }
