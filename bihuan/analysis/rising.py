"""Rising words: what complainants write of more often than before, Chinese and English each against its own past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from bihuan.analysis.topic import EXAMPLES, Example
from bihuan.analysis.words import Documents


class RisingParameters(NamedTuple):
    """What the policy says of rising words."""

    q: float = 0.05
    """The share of false discoveries that is borne; words have a control of their own."""
    prior: float = 500.0
    """Strength of the Dirichlet prior, in words."""
    least_holding: int = 10
    """A word in fewer complaints of both periods together is not tested."""
    lift: float = 1.5
    """A word is told of only where its share of the complaints grew at least so many times."""
    together: float = 0.6
    """Words that stand in the same complaints, by this Jaccard index, are told of as one."""
    most: int = 10
    """Words told of at most."""


USUAL = RisingParameters()


class Word(NamedTuple):
    """A word that is written more often."""

    word: str
    language: str
    x0: int
    """Complaints of the baseline that hold it, of ``n0`` in its language."""
    n0: int
    x1: int
    """… of the month."""
    n1: int
    z: float
    q: float
    together: tuple[str, ...]
    """Other words that rose in the same complaints, strongest first."""
    rows: tuple[int, ...]
    """Places of the month's texts that hold it, ascending."""
    examples: tuple[Example, ...]


class Rising(NamedTuple):
    """What rose."""

    words: tuple[Word, ...]
    """The strongest first."""
    tests: int


def rising_words(
    tables: Mapping[str, Documents], is_now: pd.Series, texts: pd.Series, numbers: pd.Series,
    parameters: RisingParameters = USUAL,
) -> Rising:  # fmt: skip
    """The words whose frequency among complaints rose, by log-odds with an informative Dirichlet prior.

    δ = ln[(y1 + a) / (n1 + a0 - y1 - a)] - ln[(y0 + a) / (n0 + a0 - y0 - a)], y complaints that hold the word, n their
    sum over all words, a its share of both periods times ``prior``; variance 1 / (y1 + a) + 1 / (y0 + a); one-sided
    (Monroe, Colaresi and Quinn, Fightin' words, Political Analysis 16(4), 2008). q by Benjamini and Hochberg over all
    words of both languages. It takes complaints as independent: one person's hundred letters count as a hundred.

    Args:
        tables: The words of the texts by language.
        is_now: Whether each text is of the month, shape (k,).
        texts: Masked, shape (k,).
        numbers: Complaint numbers, shape (k,).
        parameters: What the policy says.
    """
    now = is_now.to_numpy("bool")
    parts = [_tested(name, table, now, parameters) for name, table in tables.items()]
    tested = pd.concat(parts, ignore_index=True)
    if tested.empty:
        return Rising((), 0)
    q = false_discovery_control(norm.sf(tested["z"].to_numpy("float64")))
    tested = tested.assign(q=q).sort_values(["q", "z", "word"], ascending=[True, False, True])
    lift = (tested["x1"] / tested["n1"]) / ((tested["x0"] + 0.5) / tested["n0"])
    risen = tested[(tested["q"] <= parameters.q) & (lift >= parameters.lift)]
    return Rising(_told(risen, tables, now, texts, numbers, parameters), len(tested))


def _tested(name: str, table: Documents, now: NDArray[np.bool_], parameters: RisingParameters) -> pd.DataFrame:
    """The words of one language that are frequent enough, with z."""
    is_now = now[table.rows]
    x1 = np.bincount(table.counts[np.flatnonzero(is_now)].indices, minlength=len(table.words))
    x0 = table.holding() - x1
    kept = x0 + x1 >= parameters.least_holding
    texts0, texts1 = int((~is_now).sum()), int(is_now.sum())
    if not texts0 or not texts1:
        kept[:] = False
    frame = {"column": np.flatnonzero(kept), "word": table.words[kept], "language": name, "x0": x0[kept], "n0": texts0,
             "x1": x1[kept], "n1": texts1, "z": _log_odds(x0, x1, parameters.prior)[kept]}  # fmt: skip
    return pd.DataFrame(frame)


def _log_odds(y0: NDArray[np.int64], y1: NDArray[np.int64], prior: float) -> NDArray[np.float64]:
    n0, n1 = y0.sum(), y1.sum()
    a = prior * (y0 + y1) / max(n0 + n1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds1, odds0 = (y1 + a) / (n1 + prior - y1 - a), (y0 + a) / (n0 + prior - y0 - a)
        z: NDArray[np.float64] = (np.log(odds1) - np.log(odds0)) / np.sqrt(1 / (y1 + a) + 1 / (y0 + a))
    return np.nan_to_num(z)


def _told(
    risen: pd.DataFrame, tables: Mapping[str, Documents], now: NDArray[np.bool_], texts: pd.Series, numbers: pd.Series,
    parameters: RisingParameters,
) -> tuple[Word, ...]:  # fmt: skip
    """The strongest words, those that stand in the same complaints under the first of them."""
    found: list[Word] = []
    for it in risen.head(5 * parameters.most).itertuples():
        rows = _rows_with(tables[it.language], it.column, now)
        head = next(
            (place for place, word in enumerate(found) if _jaccard(word.rows, rows) >= parameters.together), None
        )
        if head is not None:
            found[head] = found[head]._replace(together=(*found[head].together, it.word))
        elif len(found) < parameters.most:
            examples = _examples(rows, texts, numbers)
            found.append(Word(it.word, it.language, it.x0, it.n0, it.x1, it.n1, it.z, it.q, (), rows, examples))
    return tuple(found)


def _rows_with(table: Documents, column: int, now: NDArray[np.bool_]) -> tuple[int, ...]:
    rows = table.rows[np.flatnonzero(table.counts[:, [column]].toarray().ravel())]
    return tuple(int(row) for row in rows[now[rows]])


def _jaccard(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    shared = len(set(first) & set(second))
    return shared / (len(first) + len(second) - shared)


def _examples(rows: tuple[int, ...], texts: pd.Series, numbers: pd.Series) -> tuple[Example, ...]:
    """The first three texts that differ, by number."""
    found: dict[str, Example] = {}
    for row in rows:
        text = str(texts.iloc[row])
        found.setdefault(text, Example(str(numbers.iloc[row]), text))
        if len(found) == EXAMPLES:
            break
    return tuple(found.values())
