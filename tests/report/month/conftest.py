"""A seeded month in which one region became late, a quiet one, and a hostile one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.kpi import rate
from bihuan.analysis.month import STAGES, checked, checked_answers, no_answers
from bihuan.analysis.review import Period, Review, reviewed
from bihuan.notify.words import words
from bihuan.policy.loader import load_policy
from bihuan.report import month_page
from bihuan.report.month_wording import Imprint

EVIL = "<script>alert('月')</script>"
FORMULA = '=HYPERLINK("evil")'
PERIOD = Period(date(2026, 11, 1), date(2026, 12, 1), date(2026, 8, 1), datetime(2026, 12, 1, 1, tzinfo=UTC),
                "Asia/Shanghai")  # fmt: skip
MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
PRODUCTS = ("电饭煲", "空气净化器", "扫地机器人", "净水器", "电风扇")
TEXTS = ("升级后每天掉线，重启也没有用", "客服电话一直打不通，等了很久", "快递送错地址，催了三次没人管",
         "退款一个月还没有到账", "机器有异响，晚上无法入睡", "发票抬头开错，要求重开")  # fmt: skip


def drawn(monthly: int, lift: float, seed: int = 1) -> pd.DataFrame:
    """Complaints of August to November; ``lift`` more of them late in the south-west in November, as they waited."""
    rng = np.random.default_rng(seed)
    n = monthly * len(MONTHS)
    day = rng.integers(0, 122, n)
    region = rng.choice(["华东", "华南", "华北", "西南"], n, p=[0.35, 0.25, 0.2, 0.2])
    hit = (region == "西南") & (day >= 92) & (rng.random(n) < lift)
    number = [f"C-{at:06}" for at in range(n)]
    frame = pd.DataFrame({
        "number": number, "registered_on": pd.Timestamp("2026-08-01") + pd.to_timedelta(day, unit="D"),
        "channel": rng.choice(["phone", "chat", "app"], n), "kind": rng.choice(["product", "service"], n),
        "severity": rng.choice(["general", "urgent", "major"], n, p=[0.85, 0.12, 0.03]),
        "department": rng.choice(["service", "logistics"], n), "handler": rng.choice(["h1", "h2", "h3"], n),
        "region": region, "tier": rng.choice(["basic", "premium"], n, p=[0.9, 0.1]), "business_line": pd.NA,
        "product": rng.choice(PRODUCTS, n, p=[0.5, 0.3, 0.1, 0.06, 0.04]), "source": "desk",
        "person": np.char.add("p", rng.integers(0, n // 2, n).astype("U7")), "text": rng.choice(TEXTS, n),
        "hours": rng.exponential(20, n), "is_handled": rng.random(n) < 0.97,
        "is_late": pd.Series((rng.random(n) < 0.12) | hit, dtype="boolean").where(rng.random(n) < 0.95),
        "is_reopened": rng.random(n) < 0.04, "is_negative": pd.Series(pd.NA, range(n), dtype="boolean"),
        "hand_offs": rng.poisson(0.3, n), "is_ping_pong": False,
    })  # fmt: skip
    for name in STAGES:
        frame[name] = rng.exponential(3600, n)
    return frame.assign(stage_waiting=frame["stage_waiting"] + 200_000 * hit)


def answers(complaints: pd.DataFrame) -> pd.DataFrame:
    """Every fifth complaint was answered, one in ten of them negatively."""
    asked = complaints.iloc[::5]
    is_negative = pd.array(np.arange(len(asked)) % 10 == 0, dtype="boolean")
    return checked_answers(asked.assign(answered_on=asked["registered_on"], is_negative=is_negative))


def row(indicator: str, x: int, n: int, target: float, **more: Any) -> dict[str, Any]:
    """A row as ``bihuan kpi show`` has it, of a share."""
    value, low, high = rate(x, n)
    return {"indicator": indicator, "value": value, "low": low, "high": high, "n": n, "target": target,
            "is_enough": n >= 30, **more}  # fmt: skip


def told(review: Review) -> Review:
    """With indicators: one that misses, one that cannot be told, one in points, one too small, and a response rate."""
    csat = {"indicator": "csat_mean", "value": 4.31, "low": 4.2, "high": 4.42, "n": 190, "target": 4,
            "is_enough": True, "survey": ""}  # fmt: skip
    nps = csat | {"indicator": "nps", "value": 12.5, "low": -20.0, "high": 45.0, "n": 16, "is_enough": False}
    indicators = [
        row("on_time_handled", 780, 960, 0.98), row("on_time_assigned", 195, 200, 0.98), csat, nps,
        row("response_rate", 200, 800, 0.3, survey="", awaited=25),
    ]  # fmt: skip
    trend = [row("on_time_handled", 850 - at, 950, 0.98, month=month) for at, month in enumerate(MONTHS[:3])]
    return replace(review, indicators=indicators, trend=[*trend, *({**one, "month": MONTHS[3]} for one in indicators)])


@pytest.fixture(scope="session")
def month() -> Review:
    """The south-west became late."""
    complaints = checked(drawn(1000, 0.3))
    return told(reviewed(PERIOD, complaints, answers(complaints), tier_weights={"premium": 3.0}))


@pytest.fixture(scope="session")
def quiet() -> Review:
    """Nothing happened, nobody was asked."""
    return reviewed(PERIOD, checked(drawn(400, 0.0, seed=2)), no_answers())


@pytest.fixture(scope="session")
def empty() -> Review:
    """There was not a single complaint."""
    return reviewed(PERIOD, checked(drawn(10, 0.0).iloc[:0]), no_answers())


@pytest.fixture(scope="session")
def hostile() -> Review:
    """Names and texts that would be markup or formulas."""
    frame = drawn(300, 0.6)
    frame = frame.assign(
        text=frame["text"] + EVIL, region=frame["region"].replace({"西南": EVIL}),
        product=frame["product"].replace({"电饭煲": EVIL, "空气净化器": FORMULA}), handler=EVIL,
        number=[f"{FORMULA}{at}" for at in range(len(frame))],
    )  # fmt: skip
    found = told(reviewed(replace(PERIOD, scope=EVIL), checked(frame), no_answers()))
    return replace(found, indicators=[found.indicators[0] | {"survey": EVIL}])


@pytest.fixture(scope="session")
def imprint() -> Imprint:
    """With the shipped policy's indicators."""
    return Imprint("0" * 64, load_policy(None).kpi.indicators, "http://127.0.0.1:8700", {"policy": "3f9c21a7"})


class Reader(HTMLParser):
    """Tags, attributes and text as a browser finds them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data.strip())


@pytest.fixture(scope="session")
def page(imprint: Imprint) -> Callable[..., str]:
    """The page of a review in a language, drawn once."""
    drawn_once: dict[tuple[int, str], str] = {}

    def page(review: Review, language: str = "zh") -> str:
        key = id(review), language
        if key not in drawn_once:
            drawn_once[key] = month_page.html(review, words(language), imprint)
        return drawn_once[key]

    return page


@pytest.fixture(scope="session")
def read() -> type[Reader]:
    """Reads a page."""
    return Reader
