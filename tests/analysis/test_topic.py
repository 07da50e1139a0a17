"""Text topics and rising words, on complaints that the product's own catalogue writes, in Chinese and in English."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.rising import Rising, rising_words
from bihuan.analysis.topic import SAME_TOPIC, Topic, Topics, find_topics
from bihuan.analysis.words import CHINESE, ENGLISH, documents, language
from bihuan.simulation.catalogue import PROBLEMS, PRODUCTS, REGIONS

ENGLISH_PROBLEMS = (
    "The {product} makes a loud noise at night and wakes the baby, the technician never called back",
    "My refund was promised ten days ago and has not reached my bank account",
    "The app loses the connection to the {product} after the firmware update",
    "Two appointments for the installation were cancelled without a reason",
    "The invoice shows a wrong company name although I corrected it three times",
    "The parcel is shown as delivered but nobody received it",
)
ENGLISH_PRODUCTS = ("robot", "door lock", "dishwasher", "oven")


def chinese(rng: np.random.Generator, problem: int) -> str:
    it = PROBLEMS[problem]
    product = PRODUCTS[rng.integers(len(PRODUCTS))].name
    region = list(REGIONS)[rng.integers(len(REGIONS))]
    return f"{it.title}。{it.matter}".format(product=product, region=region)


def english(rng: np.random.Generator, problem: int) -> str:
    return ENGLISH_PROBLEMS[problem].format(product=ENGLISH_PRODUCTS[rng.integers(len(ENGLISH_PRODUCTS))])


def told(n: int, seed: int, write: Callable[[np.random.Generator, int], str] = chinese, kinds: int = len(PROBLEMS)):
    """Texts with the problem that each tells of."""
    rng = np.random.default_rng(seed)
    problems = rng.integers(kinds, size=n)
    return pd.Series([write(rng, int(it)) for it in problems], dtype="str"), problems


def topics_of(texts: pd.Series, known: tuple[Topic, ...] = ()) -> Topics:
    numbers = pd.Series([f"C-{at:05}" for at in range(len(texts))], dtype="str")
    return find_topics(documents(texts.tolist()), texts, numbers, known)


@pytest.fixture(scope="module")
def november() -> tuple[pd.Series, np.ndarray, Topics]:
    texts, problems = told(3000, seed=1)
    return texts, problems, topics_of(texts)


def test_the_language_is_that_of_the_script():
    assert [language(it) for it in ("WiFi 掉线", "It broke", "12345 !?", "")] == [CHINESE, ENGLISH, "", ""]


def test_chinese_is_cut_into_words_and_words_of_the_trade_stay_whole():
    text = ["扫地机器人升级后频繁掉线 *** 3次 APP"]
    plain, taught = documents(text)[CHINESE], documents(text, domain=["扫地机器人"])[CHINESE]
    assert {"机器人", "掉线", "app"} <= set(plain.words)
    assert "扫地机器人" in taught.words
    assert "*" not in "".join(taught.words)


def test_english_words_lose_their_plural_and_stop_words():
    table = documents(["The customer's refunds were not paid, batteries and glasses broke"])[ENGLISH]
    assert table.words.tolist() == ["battery", "broke", "glass", "paid", "refund"]


def test_a_topic_holds_what_belongs_together(november: tuple[pd.Series, np.ndarray, Topics]):
    _, problems, found = november
    kept = found.of.notna().to_numpy()
    assert kept.mean() > 0.9
    table = pd.crosstab(found.of[kept].to_numpy(), problems[kept])
    purity = table.max(axis=0) / table.sum(axis=0)  # the share of each problem's texts that stand in one topic
    assert purity.mean() > 0.9


def test_a_topic_shows_its_words_and_three_different_complaints(november: tuple[pd.Series, np.ndarray, Topics]):
    texts, _, found = november
    assert [topic.id for topic in found.topics] == [f"zh-{number}" for number in range(1, 13)]
    for topic in found.topics:
        assert np.linalg.norm(list(topic.words.values())) == pytest.approx(1, abs=1e-4)
        shown = found.examples[topic.id]
        assert len({example.text for example in shown}) == len(shown) == 3
        assert all(texts[int(example.number[2:])] == example.text for example in shown)


def problems_in(problems: np.ndarray, of: pd.Series, topic: str) -> set[int]:
    """The problems of which a good part of the topic's texts tell."""
    counts = np.bincount(problems[(of == topic).to_numpy()], minlength=len(PROBLEMS))
    return set(np.flatnonzero(counts > 0.2 * counts.sum()).tolist())


def test_topics_are_known_again_next_month_under_their_names(november: tuple[pd.Series, np.ndarray, Topics]):
    _, problems, before = november
    named = tuple(topic._replace(name=f"主题 {topic.id}") for topic in before.topics)
    kept = tuple(Topic(**it) for it in json.loads(json.dumps([topic._asdict() for topic in named])))
    texts, again = told(3000, seed=2)
    after = topics_of(texts, kept)
    continued = [topic for topic in after.topics if topic.is_current and topic.name]
    assert len(continued) >= 10
    told_of = [(problems_in(problems, before.of, it.id), problems_in(again, after.of, it.id)) for it in continued]
    assert all(old & new for old, new in told_of)  # there are more problems than topics: some hold two, or part


def test_a_topic_that_vanished_is_kept_and_its_number_is_never_used_again(
    november: tuple[pd.Series, np.ndarray, Topics],
):
    known = (Topic("zh-40", "zh", {"没有这样的词": 1.0}, "旧主题"), *november[2].topics)
    found = topics_of(told(3000, seed=1)[0], known)
    old = next(topic for topic in found.topics if topic.id == "zh-40")
    assert (old.name, old.is_current) == ("旧主题", False)
    assert len({topic.id for topic in found.topics}) == 13
    fresh = topics_of(told(3000, seed=1)[0], known[:1])
    assert min(int(topic.id[3:]) for topic in fresh.topics if topic.is_current) == 41


def test_english_has_topics_of_its_own():
    texts, problems = told(900, seed=3, write=english, kinds=len(ENGLISH_PROBLEMS))
    found = topics_of(texts)
    assert [topic.id for topic in found.topics] == [f"en-{number}" for number in range(1, 7)]
    table = pd.crosstab(found.of.to_numpy(), problems)
    assert (table.max(axis=0) / table.sum(axis=0)).min() > 0.9


def test_a_handful_of_sentences_said_again_and_again_is_factorised_without_a_warning():
    said = ["升级后每天掉线，重启也没有用", "客服电话一直打不通，等了很久", "快递送错地址，催了三次没人管",
            "退款一个月还没有到账", "机器有异响，晚上无法入睡", "发票抬头开错，要求重开"]  # fmt: skip
    assert topics_of(pd.Series(np.random.default_rng(9).choice(said, 1600))).of.notna().any()


def test_few_texts_have_no_topics_and_no_text_is_none():
    assert topics_of(told(150, seed=4)[0]).topics == ()
    assert topics_of(pd.Series([], dtype="str")).of.empty
    assert topics_of(pd.Series([""] * 300, dtype="str")).of.isna().all()


# --- rising words


def risen(texts: pd.Series, is_now: np.ndarray) -> Rising:
    numbers = pd.Series([f"C-{at:05}" for at in range(len(texts))], dtype="str")
    return rising_words(documents(texts.tolist()), pd.Series(is_now), texts, numbers)


def mixed(seed: int, n: int = 4000, more: float = 0.0) -> tuple[pd.Series, np.ndarray]:
    """Chinese and English complaints of four months; of the last one a share tells of something else as well."""
    rng = np.random.default_rng(seed)
    is_now = np.arange(n) >= 3 * n // 4
    texts = []
    for now in is_now:
        is_english = rng.random() < 0.2
        text = english(rng, int(rng.integers(6))) if is_english else chinese(rng, int(rng.integers(len(PROBLEMS))))
        if now and rng.random() < more:
            text += " The battery swells" if is_english else "，而且电池鼓包"
        texts.append(text)
    return pd.Series(texts, dtype="str"), is_now


def test_words_that_rose_are_found_in_both_languages_with_examples():
    texts, is_now = mixed(seed=5, more=0.08)
    found = {word.word: word for word in risen(texts, is_now).words}
    assert {word.language for word in found.values()} == {CHINESE, ENGLISH}
    together = {name for word in found.values() for name in (word.word, *word.together)}
    assert {"电池", "鼓包", "battery", "swell"} <= together
    for word in found.values():
        assert word.x1 / word.n1 > word.x0 / word.n0
        assert len(word.examples) == 3
        assert all(word.word in example.text.lower() for example in word.examples)


def test_words_of_the_same_complaints_are_told_of_once():
    texts, is_now = mixed(seed=5, more=0.08)
    words = [word for word in risen(texts, is_now).words if word.language == CHINESE]
    assert len(words) == 1
    assert words[0].together


def test_where_nothing_rose_hardly_a_word_is_told_of():
    found = [risen(*mixed(seed, n=2000)) for seed in range(100, 120)]
    assert all(it.tests > 100 for it in found)
    assert sum(bool(it.words) for it in found) <= 2


def test_a_month_without_a_past_tests_nothing():
    texts, _ = mixed(seed=6, n=400)
    assert risen(texts, np.ones(400, dtype=bool)) == Rising((), 0)


def test_forty_thousand_short_texts_take_seconds():
    rng = np.random.default_rng(7)
    pool = [chinese(rng, int(rng.integers(len(PROBLEMS)))) for _ in range(2000)]
    texts = pd.Series([pool[at] for at in rng.integers(len(pool), size=40_000)], dtype="str")
    numbers = pd.Series([f"C-{at:05}" for at in range(len(texts))], dtype="str")
    began = time.process_time()
    tables = documents(texts.tolist())
    assert len(find_topics(tables, texts, numbers).topics) == 12
    rising_words(tables, pd.Series(np.arange(40_000) >= 30_000), texts, numbers)
    assert time.process_time() - began < 10  # about 3 s of one core


def test_the_least_likeness_is_that_of_the_method():
    assert SAME_TOPIC == 0.7
