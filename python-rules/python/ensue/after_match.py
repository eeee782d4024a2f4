"""What a match does with the partial matches beside it."""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

__all__ = ["AfterMatch"]

Json = Dict[str, Any]


class AfterMatch:
    """Which partial matches a match discards."""

    __slots__ = ("json",)

    def __init__(self, json: Union[str, Json]) -> None:
        self.json = json

    @classmethod
    def consume(cls) -> AfterMatch:
        """The default: no later match starts at or before the last event of this one."""
        return cls("consume")

    @classmethod
    def no_skip(cls, limit: Optional[int] = 100) -> AfterMatch:
        """None; at most `limit` matches an event. None: no limit but the engine's."""
        return cls({"no_skip": {"limit": limit}})

    @classmethod
    def skip_past_last_event(cls) -> AfterMatch:
        """Those that start at or before its last event."""
        return cls("skip_past_last_event")

    @classmethod
    def skip_to_next_event(cls) -> AfterMatch:
        """Those that start with the same event."""
        return cls("skip_to_next_event")

    @classmethod
    def skip_to_first(cls, stage: str, *, or_error: bool = False) -> AfterMatch:
        """Those that start before the first event of a stage."""
        return cls({"skip_to_first": {"stage": stage, "or_error": or_error}})

    @classmethod
    def skip_to_last(cls, stage: str, *, or_error: bool = False) -> AfterMatch:
        """Those that start before the last event of a stage."""
        return cls({"skip_to_last": {"stage": stage, "or_error": or_error}})
