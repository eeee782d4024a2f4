"""What rule text can say, and how the pattern API says it: pairs of a text and a pattern."""

from __future__ import annotations

from datetime import timedelta
from typing import List, Tuple

from ensue import (
    AfterMatch,
    KVCondition,
    Pattern,
    abs_,
    any_of,
    any_order,
    avg,
    begin,
    coalesce,
    count,
    e,
    first,
    group,
    hour,
    last,
    length,
    lower,
    max_,
    min_,
    prev,
    prior,
    running,
    substr,
    sum_,
    this,
    trends,
    url_host,
    url_param,
    url_path,
    weekday,
)

a, b, c, v, s, l = (e(name) for name in "abcvsl")
A, AB = Pattern("a"), Pattern("a").followed_by("b")

TABLE: List[Tuple[str, Pattern]] = [
    # The published form.
    (
        "EVENT: e1->e2 WHERE e1.extra_info.actionType = 'pv' AND e1.extra_info.scene = 'item_detail' "
        "AND e2.extra_info.actionType = 'leave' AND e2.extra_info.scene = 'item_detail'",
        Pattern("e1")
        .where(KVCondition("actionType", "pv"))
        .and_(KVCondition("scene", "item_detail"))
        .followby("e2")
        .where(KVCondition("extra_info.actionType", "leave") & KVCondition("extra_info.scene", "item_detail")),
    ),
    # The README's rule.
    (
        "RULE hesitation EVENT: v{3,} -> !s -> l WHERE v.actionType = 'pv' AND v.scene = 'item_detail' "
        "AND s.actionType = 'favourite' AND l.actionType = 'leave' WITHIN 10 MIN "
        "RETURN COUNT(v) AS views, LAST(v.args.item) AS item",
        Pattern("v")
        .where(KVCondition("actionType", "pv") & KVCondition("scene", "item_detail"))
        .times_or_more(3)
        .not_followed_by("s")
        .where(KVCondition("actionType", "favourite"))
        .followed_by("l")
        .where(KVCondition("actionType", "leave"))
        .within("10 MIN")
        .returns(views=v.count, item=last(v.args.item))
        .named("hesitation"),
    ),
    # Arrows and bounds.
    ("EVENT: a", A),
    ("EVENT: a -> b ->> c => d", begin("a").followed_by("b").followed_by_any("c").next("d")),
    ("EVENT: a -> b", Pattern.begin("a").followedby("b")),
    (
        "EVENT: a ->[< 30 S] b =>[<= 1 H 5 MIN] c ->>[< 1 S] d",
        A.followed_by("b", under="30 S").next("c", at_most=timedelta(minutes=65)).followed_by_any("d", under=1000),
    ),
    # Negations.
    ("EVENT: a -> !b => !c -> d WITHIN 1 D", A.not_followed_by("b").not_next("c").followed_by("d").within("1 DAY")),
    ("EVENT: a -> !b WITHIN 5 MIN", A.not_followed_by("b").within(300_000)),
    ("EVENT: (a -> !b){2} -> c", Pattern(A.not_followed_by("b")).times(2).followed_by("c")),
    (
        "EVENT: v{3,} -> !n -> w => !n2 WHERE n.args.item = v.args.item WITHIN 5 MIN",
        Pattern("v").times_or_more(3).not_followed_by("n").where(e("n").args.item == v.args.item).followed_by("w")
        .not_next("n2").within("5 MIN"),
    ),
    ("EVENT: (a -> b -> !c)+ -> d -> !f WITHIN 1 D", Pattern(AB.not_followed_by("c")).one_or_more().followed_by("d")
        .not_followed_by("f").within("1 D")),
    # Quantifiers and their suffixes.
    (
        "EVENT: a+ -> b* -> c? -> d{3} -> e{2,} -> f{2,5} -> g{0,4} -> h{1}",
        A.one_or_more()
        .followed_by("b")
        .zero_or_more()
        .followed_by("c")
        .optional()
        .followed_by("d")
        .times(3)
        .followed_by("e")
        .times_or_more(2)
        .followed_by("f")
        .times(2, 5)
        .followed_by("g")
        .times(0, 4)
        .followed_by("h")
        .times(1),
    ),
    ("EVENT: a* -> b{2,} OPTIONAL", A.one_or_more().optional().followed_by("b").times_or_more(2).optional()),
    (
        "EVENT: a{2,} STRICT [< 30 S] UNTIL (ts > 5) OPTIONAL GREEDY -> b+ ANY [<= 1 MIN]",
        A.times_or_more(2)
        .consecutive()
        .gap("30 S")
        .until(this.ts > 5)
        .optional()
        .greedy()
        .followed_by("b")
        .one_or_more()
        .allow_combinations()
        .gap(at_most="1 MIN"),
    ),
    (
        "EVENT: a -> b+ UNTIL (actionType = 'leave' OR args.x > b.args.x AND SUM(b.args.y) > a.ts)",
        A.followed_by("b")
        .one_or_more()
        .until((this.actionType == "leave") | (this.args.x > b.args.x) & (sum_(b.args.y) > a.ts)),
    ),
    ("EVENT: a+ UNTIL (actionType = 'leave')", A.one_or_more().until(KVCondition("actionType", "leave"))),
    # Groups, alternatives, any order.
    (
        "EVENT: (a -> (b -> c)?){2} ANY -> d",
        Pattern(A.followed_by(Pattern("b").followed_by("c")).optional()).times(2).allow_combinations().followed_by("d"),
    ),
    ("EVENT: ((a))", group(group(A))),
    ("EVENT: a -> (b)+", A.followed_by(group(Pattern("b"))).one_or_more()),
    ("EVENT: a -> b | c -> d", A.followed_by(Pattern("b") | Pattern("c")).followed_by("d")),
    ("EVENT: (a -> b) | c", Pattern("a").followed_by("b") | Pattern("c")),
    ("EVENT: a | b | c{2}", any_of("a", "b", Pattern("c").times(2))),
    ("EVENT: a | (b | c)", A.or_(group(Pattern("b") | Pattern("c")))),
    ("EVENT: (a | b)+ -> c", (A | Pattern("b")).one_or_more().followed_by("c")),
    ("EVENT: a & b -> c", any_order("a", "b").followed_by("c")),
    ("EVENT: a & b & c+", A & Pattern("b") & Pattern("c").one_or_more()),
    ("EVENT: a & b | c & d+", A.and_(Pattern("b")) | (Pattern("c") & Pattern("d").one_or_more())),
    (
        "EVENT: s -> (a | b) -> c WHERE a.scene = 'x' AND b.scene = 'y' AND c.scene = 'z'",
        begin("s")
        .followed_by(
            group(
                Pattern("a").where(KVCondition("scene", "x")) | Pattern("b").where(KVCondition("scene", "y")),
            )
        )
        .followed_by("c")
        .where(KVCondition("scene", "z")),
    ),
    # Names.
    (
        "EVENT: `item view` -> `where` -> `a``b` WHERE `where`.args.where = `item view`.args.`max-price`.next",
        Pattern("item view")
        .followed_by("where")
        .where(e("where").args.where == e("item view").args["max-price"].next)
        .followed_by("a`b"),
    ),
    (
        "EVENT: s -> min -> first -> count WHERE count.args.sum = first.args.of",
        Pattern("s").followed_by("min").followed_by("first").followed_by("count").where(
            e("count").args.sum == e("first").args.of
        ),
    ),
    (
        "EVENT: просмотр -> 離開 WHERE просмотр.args.цена > 3",
        Pattern("просмотр").where(lambda p: p.args.цена > 3).followed_by("離開"),
    ),
    # Values.
    (
        "EVENT: a WHERE a.scene = 'it''s' AND a.args.x != '' AND a.args.y = '--no comment'",
        A.where(a.scene == "it's").where(a.args.x != "").where(a.args.y == "--no comment"),
    ),
    (
        "EVENT: a WHERE a.args.x IN (1, -2, 3.50, -0.5, 1e3, 9223372036854775807, -9223372036854775808)",
        A.where(a.args.x.in_([1, -2, 3.5, -0.5, 1e3, 2**63 - 1, -(2**63)])),
    ),
    (
        "EVENT: a WHERE a.args.x = TRUE OR a.args.y = FALSE OR a.args.z = NULL OR a.args.w = 1",
        A.where(
            (a.args.x == True) | (a.args.y == False) | (a.args.z == None) | (a.args.w == 1)  # noqa: E711, E712
        ),
    ),
    ("EVENT: a -> b WHERE b.ts - a.ts < 1 H 30 MIN", AB.where(b.ts - a.ts < timedelta(hours=1, minutes=30))),
    ("EVENT: a WHERE a.userId = 'u' AND a.source != 'page'", A.where((a.user_id == "u") & (a.source != "page"))),
    (
        "EVENT: a WHERE a.userId = 'u' AND a.actionType = 'pv' AND a.extra_info.price = 1",
        A.where(KVCondition("userId", "u")).where(a.action_type == "pv").where(a.extra_info.price == 1),
    ),
    ("EVENT: a WHERE a.userId = 'u' AND a.extra_info.scene = 'x'", A.where(a.userId == "u").and_(a.extra_info.scene == "x")),
    # Conditions.
    (
        "EVENT: a WHERE a.args.a = 1 AND a.args.b != 2 AND a.args.c < 3 AND a.args.d <= 4 AND a.args.e > 5 AND a.args.f >= 6",
        A.where(KVCondition("args.a", 1))
        .and_(KVCondition("args.b", 2, "!="))
        .and_(KVCondition("args.c", 3, "<"))
        .and_(KVCondition("args.d", 4, "<="))
        .and_(KVCondition("args.e", 5, ">"))
        .and_(KVCondition("args.f", 6, ">=")),
    ),
    (
        "EVENT: a WHERE a.scene IN ('x', 'y') AND a.scene NOT IN ('z') AND NOT a.args.k = 1",
        A.where(KVCondition("scene", ["x", "y"])).where(KVCondition("scene", ["z"], "!=")).where(~KVCondition("args.k", 1)),
    ),
    (
        "EVENT: a WHERE a.args.x BETWEEN 1 AND 2 AND a.args.x NOT BETWEEN 3 AND a.args.y",
        A.where(a.args.x.between(1, 2)).where(~a.args.x.between(3, a.args.y)),
    ),
    (
        r"EVENT: a WHERE a.scene LIKE 'item\_%' AND a.scene NOT LIKE '%x' AND a.scene MATCHES '^it.m' AND a.scene NOT MATCHES 'q'",
        A.where(a.scene.like(r"item\_%"))
        .where(~a.scene.like("%x"))
        .where(a.scene.matches("^it.m"))
        .where(~a.scene.matches("q")),
    ),
    ("EVENT: a WHERE a.args.x IS NULL AND a.args.y IS NOT NULL", A.where(a.args.x.is_null() & a.args.y.is_not_null())),
    (
        "EVENT: a WHERE NOT a.args.x = 1 AND (a.args.y = 2 OR a.args.z = 3) "
        "AND a.args.p * (1 + a.args.q) - (3 - a.args.q) / 2 > -a.args.q % 5",
        A.where(~(a.args.x == 1))
        .where((a.args.y == 2) | (a.args.z == 3))
        .where(a.args.p * (1 + a.args.q) - (3 - a.args.q) / 2 > -a.args.q % 5),
    ),
    ("EVENT: a WHERE a.args.x = 1 OR a.args.y = 2", A.where(KVCondition("args.x", 1)).or_(KVCondition("args.y", 2))),
    (
        "EVENT: a WHERE a.args.x = 1 AND a.args.y = 2 OR a.args.z = 3",
        A.where(KVCondition("args.x", 1)).and_(KVCondition("args.y", 2)).or_(KVCondition("args.z", 3)),
    ),
    (
        "EVENT: a WHERE a.args.x = 1 OR a.args.x = 2 OR a.args.x = 3 OR a.args.x = 4 OR a.args.x = 5",
        A.where((a.args.x == 1) | (a.args.x == 2) | (a.args.x == 3) | (a.args.x == 4) | (a.args.x == 5)),
    ),
    (
        "EVENT: a WHERE a.args.x = 1 OR (a.args.x = 2 OR (a.args.x = 3 OR a.args.x = 4))",
        A.where((a.args.x == 1) | ((a.args.x == 2) | ((a.args.x == 3) | (a.args.x == 4)))),
    ),
    ("EVENT: a -> b WHERE b.args.price < a.args.price", AB.where(lambda stage: stage.args.price < a.args.price)),
    # Aggregates and functions.
    ("EVENT: v+ -> l WHERE COUNT(v) >= 3 AND l.args.n < AVG(v.args.n)", Pattern("v").one_or_more().followed_by("l").where(
        (v.count >= 3) & (l.args.n < avg(v.args.n))
    )),
    (
        "EVENT: v+ -> l WHERE RUNNING SUM(v.args.p) < 9 AND v.args.p > PRIOR AVG(v.args.p) AND v.args.p > PREV(v.args.p)",
        Pattern("v")
        .one_or_more()
        .where(running(sum_(v.args.p)) < 9)
        .where(v.args.p > prior(avg(v.args.p)))
        .where(v.args.p > prev(v.args.p))
        .followed_by("l"),
    ),
    (
        "EVENT: v+ -> l WITHIN 1 D RETURN COUNT(v) AS n, COUNT(v.args.x) AS nx, COUNT(DISTINCT v.args.x) AS dx, "
        "SUM(v.args.x) AS s, SUM(DISTINCT v.args.x) AS sd, AVG(v.args.x) AS a, MIN(v.args.x) AS lo, MAX(v.args.x) AS hi, "
        "FIRST(v.ts) AS f, LAST(v.ts) AS t, l.args.y AS y, MAX(v.args.x) - MIN(v.args.x) AS `the span`",
        Pattern("v")
        .one_or_more()
        .followed_by("l")
        .within(timedelta(days=1))
        .returns(
            {
                "n": count(v),
                "nx": count(v.args.x),
                "dx": count(v.args.x, distinct=True),
                "s": sum_(v.args.x),
                "sd": sum_(v.args.x, distinct=True),
                "a": avg(v.args.x),
                "lo": min_(v.args.x),
                "hi": max_(v.args.x),
                "f": first(v.ts),
                "t": last(v.ts),
                "y": l.args.y,
                "the span": max_(v.args.x) - min_(v.args.x),
            }
        ),
    ),
    (
        "EVENT: a WHERE LOWER(a.scene) = 'x' AND LENGTH(a.scene) > 3 AND ABS(a.args.d) < 2 AND ABS(a.args.e) < 2 "
        "AND COALESCE(a.args.p, a.args.q, 0) = 1 AND SUBSTR(a.scene, 2) = 'y' AND SUBSTR(a.scene, 2, 3) = 'z'",
        A.where(lower(a.scene) == "x")
        .where(length(a.scene) > 3)
        .where(abs_(a.args.d) < 2)
        .where(abs(a.args.e) < 2)
        .where(coalesce(a.args.p, a.args.q, 0) == 1)
        .where(substr(a.scene, 2) == "y")
        .where(substr(a.scene, 2, 3) == "z"),
    ),
    (
        "EVENT: a WHERE URL_HOST(a.scene) = 'h' AND URL_PATH(a.scene) = '/p' AND URL_PARAM(a.scene, 'id') = '1' "
        "AND HOUR(a) BETWEEN 9 AND 17 AND WEEKDAY(a) < 6",
        A.where(url_host(a.scene) == "h")
        .where(url_path(a.scene) == "/p")
        .where(url_param(a.scene, "id") == "1")
        .where(hour(a).between(9, 17))
        .where(weekday(a) < 6),
    ),
    (
        "EVENT: v+ UNTIL (HOUR(ts) = 9 OR HOUR(v.ts) <> 8 OR WEEKDAY(ts) == 7) -> l "
        "WHERE RUNNING COUNT(DISTINCT v.args.x) <= 3 AND PRIOR MIN(v.args.x) < RUNNING MAX(v.args.x) "
        "AND PRIOR FIRST(v.args.x) != RUNNING LAST(v.args.x) AND LAST(v.args.x) > l.args.x AND SUM(DISTINCT v.args.x) < 5",
        Pattern("v")
        .one_or_more()
        .until((hour(this) == 9) | (hour(v) != 8) | (weekday(this) == 7))
        .where(running(count(v.args.x, distinct=True)) <= 3)
        .where(prior(min_(v.args.x)) < running(max_(v.args.x)))
        .where(prior(first(v.args.x)) != running(last(v.args.x)))
        .followed_by("l")
        .where((last(v.args.x) > l.args.x) & (sum_(v.args.x, distinct=True) < 5)),
    ),
    # Clauses.
    ("EVENT: a -> b WITHIN 1 MIN 500 MS ON TIMEOUT", AB.within(60_500).on_timeout()),
    ("EVENT: a -> b WITHIN 1 DAY 2 HOURS 5 SEC ON TIMEOUT RETURN a.args.x + 1 AS x", AB.within("1 D 2 H 5 S").on_timeout(x=a.args.x + 1)),
    (
        "RULE r EVENT: a{2,} -> b WHERE a.ts = 1 AND b.ts != 2 WITHIN 90 S OF SESSION PARTITION BY args.x, scene "
        "AFTER MATCH NO SKIP LIMIT 5 RETURN COUNT(a) AS n, LAST(a.args.x) AS x ON TIMEOUT RETURN COUNT(a) AS n",
        A.times_or_more(2)
        .where(a.ts == 1)
        .followed_by("b")
        .where(b.ts != 2)
        .within("90 S", of="session")
        .partition_by(this.args.x, "scene")
        .after_match(AfterMatch.no_skip(5))
        .returns(n=a.count, x=last(a.args.x))
        .on_timeout(n=a.count)
        .named("r"),
    ),
    ("EVENT: a -> b WITHIN 1 MIN OF PREVIOUS", AB.within("1 MIN", of="previous")),
    ("EVENT: a -> b AFTER MATCH CONSUME", AB.after_match(AfterMatch.consume())),
    ("EVENT: a -> b AFTER MATCH NO SKIP", AB.after_match(AfterMatch.no_skip())),
    ("EVENT: a -> b AFTER MATCH NO SKIP NO LIMIT", AB.after_match(AfterMatch.no_skip(None))),
    ("EVENT: a -> b AFTER MATCH SKIP PAST LAST EVENT", AB.after_match(AfterMatch.skip_past_last_event())),
    ("EVENT: a -> b AFTER MATCH SKIP TO NEXT EVENT", AB.after_match(AfterMatch.skip_to_next_event())),
    ("EVENT: a -> b AFTER MATCH SKIP TO FIRST b", AB.after_match(AfterMatch.skip_to_first("b"))),
    ("EVENT: a -> b? AFTER MATCH SKIP TO LAST b OR ERROR", AB.optional().after_match(AfterMatch.skip_to_last("b", or_error=True))),
    ("EVENT: a -> b? AFTER MATCH SKIP TO FIRST b OR ERROR", AB.optional().after_match(AfterMatch.skip_to_first("b", or_error=True))),
    ("EVENT: a -> b PARTITION BY args.`max-price`, args.a.b", AB.partition_by(this.args["max-price"], "args.a.b")),
    (
        "EVENT: a -> v+ RETURN TRENDS COUNT(*) AS n, TRENDS COUNT(v) AS nv, TRENDS SUM(v.args.x) AS x",
        A.followed_by("v").one_or_more().returns(n=trends(count()), nv=trends(v.count), x=trends(sum_(v.args.x))),
    ),
]
