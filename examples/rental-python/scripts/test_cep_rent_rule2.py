"""Opened a flat, and left it again: asked when the user leaves the home page of renting."""

from ensue import Context, KVCondition, Match, Pattern

pattern = (
    Pattern("e1").where(KVCondition("extra_info.actionType", "pv")).and_(KVCondition("extra_info.scene", "item_detail"))
    .followed_by("e2").where(KVCondition("extra_info.actionType", "leave")).and_(KVCondition("extra_info.scene", "item_detail"))
)  # fmt: skip


def run(ctx: Context) -> list[Match]:
    return ctx.match(pattern)
