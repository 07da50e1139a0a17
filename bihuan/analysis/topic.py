"""Topics 主题 of what complainants wrote: found by factorisation, known again from month to month.

TF-IDF (sublinear, words in at least five texts and at most three of ten) and non-negative matrix factorisation (Lee and
Seung, Nature 401, 1999; started by NNDSVDa, Boutsidis and Gallopoulos, Pattern Recognition 41, 2008), scikit-learn's,
with a fixed seed and a fixed number of topics. A topic is one more dimension of a complaint, no cause.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer

from bihuan.analysis.words import CHINESE, ENGLISH, Documents

SAME_TOPIC = 0.7
"""From this cosine on a topic is the one of last month."""
_BELONGS = 0.15
"""Below this cosine a text belongs to no topic."""
EXAMPLES = 3
"""Complaints shown for a topic or a word."""
_KEPT_WORDS, _SEED, _FIT_MOST = 50, 20150401, 20_000


class TopicParameters(NamedTuple):
    """What the policy says of topics."""

    by_language: Mapping[str, int] = MappingProxyType({CHINESE: 12, ENGLISH: 6})
    """How many, by language."""
    least_texts: int = 200
    """With fewer texts of a language there are none."""
    least_holding: int = 5
    """A word in fewer texts says nothing of topics."""
    most_holding: float = 0.3
    """Nor does one in a greater part of them."""


USUAL = TopicParameters()


class Topic(NamedTuple):
    """A topic as it is kept from month to month; JSON of its ``_asdict()`` brings it back by ``Topic(**…)``."""

    id: str
    """The language and a number that is never used again."""
    language: str
    words: Mapping[str, float]
    """The weightiest words, of unit length together, weightiest first."""
    name: str = ""
    """As a person called it; empty: its words name it."""
    is_current: bool = True
    """Whether it was found this month; others are kept, to be known again."""


class Example(NamedTuple):
    """A complaint shown for a topic or a word."""

    number: str
    text: str


@dataclass(frozen=True)
class Topics:
    """What was found in the texts."""

    topics: tuple[Topic, ...]
    """Those of this month and those known before, by language and number."""
    of: pd.Series
    """The topic's id of each text, a category; missing where it belongs to none."""
    examples: Mapping[str, tuple[Example, ...]]
    """The most typical texts of each current topic, at most three, no two alike."""


def find_topics(
    tables: Mapping[str, Documents], texts: pd.Series, numbers: pd.Series, known: Sequence[Topic] = (),
    parameters: TopicParameters = USUAL,
) -> Topics:  # fmt: skip
    """The topics of the texts, each text's topic, and examples.

    Args:
        tables: The words of the texts by language (``bihuan.analysis.words.documents``).
        texts: Masked, shape (k,), in an order that does not change with the database's (by number).
        numbers: Complaint numbers, shape (k,), same index.
        known: The topics of the months before; names and ids live on.
        parameters: What the policy says.
    """
    ids = np.full(len(texts), "", dtype=object)
    found: list[Topic] = []
    examples: dict[str, tuple[Example, ...]] = {}
    for language, table in tables.items():
        before = [topic for topic in known if topic.language == language]
        weighed, current = _factorised(table, language, parameters)
        named = _known_again(current, before, language)
        found += named
        likeness = _likeness(weighed, [topic for topic in named if topic.is_current])
        chosen = [topic.id for topic in named if topic.is_current]
        if chosen:
            best = likeness.argmax(axis=1)
            belongs = likeness.max(axis=1) >= _BELONGS
            ids[weighed.rows[belongs]] = np.array(chosen, dtype=object)[best[belongs]]
        for place, topic in enumerate(chosen):
            examples[topic] = _typical(weighed, likeness[:, place], texts, numbers)
    named = pd.Series(ids, texts.index, dtype="str")
    of = named.where(named != "").astype("category")
    return Topics(tuple(found), of, examples)


def _factorised(
    table: Documents, language: str, parameters: TopicParameters
) -> tuple[Documents, list[dict[str, float]]]:
    """The TF-IDF of the words that count, and the weightiest words of each topic."""
    texts = len(table.rows)
    holding = table.holding()
    counting = (holding >= parameters.least_holding) & (holding <= parameters.most_holding * texts)
    kept = table.only(counting)
    count = min(parameters.by_language.get(language, 0), len(kept.words) - 1)
    if texts < parameters.least_texts or count < 1:
        return kept, []
    weighed = csr_array(TfidfTransformer(sublinear_tf=True).fit_transform(kept.counts))
    step = -(-texts // _FIT_MOST)
    model = NMF(count, init="nndsvda", random_state=_SEED, max_iter=200, tol=1e-3)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):  # few different texts are factorised without rest
        warnings.simplefilter("ignore", ConvergenceWarning)  # so near is near enough: a topic is its first words
        model.fit(weighed[::step])
    return Documents(kept.rows, weighed, kept.words), [_weightiest(row, kept.words) for row in model.components_]


def _weightiest(weights: NDArray[np.float64], words: NDArray[np.str_]) -> dict[str, float]:
    order = np.lexsort((words, -weights))[:_KEPT_WORDS]
    kept = order[weights[order] > 0]
    length = float(np.linalg.norm(weights[kept])) or 1.0
    return {str(words[place]): round(float(weights[place]) / length, 6) for place in kept}


def _known_again(found: Sequence[dict[str, float]], known: Sequence[Topic], language: str) -> list[Topic]:
    """The topics under the ids of those that they continue, one each, by the greatest likeness in all."""
    found = [words for words in found if words]
    alike = np.array([[_cosine(words, topic.words) for topic in known] for words in found]).reshape(
        len(found), len(known)
    )
    rows, columns = linear_sum_assignment(np.where(alike >= SAME_TOPIC, -alike, 0.0))
    same = {
        int(row): known[column] for row, column in zip(rows, columns, strict=True) if alike[row, column] >= SAME_TOPIC
    }
    last = max((int(topic.id.rpartition("-")[2]) for topic in known), default=0)
    topics = []
    for place, words in enumerate(found):
        if place in same:
            topics.append(same[place]._replace(words=words, is_current=True))
        else:
            last += 1
            topics.append(Topic(f"{language}-{last}", language, words))
    continued = {topic.id for topic in topics}
    topics += [topic._replace(is_current=False) for topic in known if topic.id not in continued]
    return sorted(topics, key=lambda topic: int(topic.id.rpartition("-")[2]))


def _cosine(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The cosine of two topics, which are of unit length each."""
    return sum(weight * second.get(word, 0.0) for word, weight in first.items())


def _likeness(table: Documents, topics: Sequence[Topic]) -> NDArray[np.float64]:
    """The cosine of each text and topic, shape (n, topics)."""
    place = {word: column for column, word in enumerate(table.words)}
    weights = np.zeros((len(table.words), len(topics)))
    for column, topic in enumerate(topics):
        for word, weight in topic.words.items():
            weights[place[word], column] = weight
    return np.asarray(table.counts @ weights)


def _typical(
    table: Documents, likeness: NDArray[np.float64], texts: pd.Series, numbers: pd.Series
) -> tuple[Example, ...]:
    """The texts that are most alike, no two the same."""
    order = np.argsort(-likeness, kind="stable")
    rows = table.rows[order[likeness[order] >= _BELONGS]]
    shown = texts.iloc[rows].drop_duplicates().head(EXAMPLES)
    return tuple(Example(str(numbers[row]), str(text)) for row, text in shown.items())
