"""Words of what complainants wrote, in Chinese and in English: which complaint holds which, as one sparse table.

Texts come with personal data masked (``bihuan.rules.mask``); the mask is no word.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rjieba import Jieba
from scipy.sparse import csr_array

from bihuan.analysis.codes import Codes

CHINESE, ENGLISH = "zh", "en"
LANGUAGES = (CHINESE, ENGLISH)
_HAN = re.compile("[\u4e00-\u9fff]")
_LATIN = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LEAST_ENGLISH, _LEAST_CHINESE = 3, 2
_DOMAIN_FREQUENCY = 100_000
"""So frequent that the dictionary always keeps a domain word in one piece."""

_STOP_CHINESE = """
一个 一下 一直 一些 一样 一次 两次 三次 几次 不是 不能 不会 不了 不到 不要 没有 什么 怎么 这个 那个 这样 那样 这些
那些 我们 你们 他们 自己 人家 大家 还是 还有 就是 可以 可能 应该 需要 因为 所以 但是 可是 而且 如果 虽然 然后 之后
以后 之前 以前 时候 现在 今天 昨天 明天 已经 曾经 正在 马上 非常 特别 比较 太过 真的 其实 仍然 至今 多次 反复 再次
又是 只是 只有 关于 对于 根据 通过 进行 表示 反映 希望 要求 投诉 客户 用户 问题 情况 来电 您好 你好 谢谢 请问 麻烦
这边 那边 里面 上面 下面 出来 起来 过来 过去 回来 知道 觉得 认为 发现 告诉 说明 说是 说法 任何 任何人 有人 没人 别人
以及 或者 并且 为什么 怎么办 怎么样 的话 到底 究竟 居然 竟然 左右 上午 下午 晚上 早上 本人 先生 女士 小姐
"""
_STOP_ENGLISH = """
the and for are but not you your all any can had has have her his him she they them their our ours out one two was
were who whom why how what when where which will with would could should shall may might must this that these those
there here then than too very just only also again still yet been being did does doing done get got gets from into
onto over under after before about because since until while during each every few more most other some such own same
both nor off now once its it's don't didn't doesn't can't won't isn't wasn't please thank thanks hello dear sir madam
customer complaint complain issue problem say tell ask want need
"""
STOP_WORDS = {CHINESE: frozenset(_STOP_CHINESE.split()), ENGLISH: frozenset(_STOP_ENGLISH.split())}
"""Words that stand in any complaint and say nothing of it; our own list."""


def language(text: str) -> str:
    """The language of a text by its script: ``zh`` where it holds a Chinese sign, ``en`` a Latin letter, else empty."""
    if _HAN.search(text):
        return CHINESE
    return ENGLISH if _LATIN.search(text.lower()) else ""


@dataclass(frozen=True)
class Documents:
    """Which text holds which word how often."""

    rows: NDArray[np.int64]
    """The places of these texts among all that were given, ascending, shape (n,)."""
    counts: csr_array
    """Shape (n, m), float64."""
    words: NDArray[np.str_]
    """The words of the columns, ascending, shape (m,)."""

    def holding(self) -> NDArray[np.int64]:
        """In how many texts each word stands, shape (m,)."""
        return np.bincount(self.counts.indices, minlength=len(self.words))

    def only(self, columns: NDArray[np.bool_]) -> Documents:
        """The same texts with some of the words."""
        return Documents(self.rows, self.counts[:, np.flatnonzero(columns)], self.words[columns])


def documents(texts: Sequence[str], domain: Collection[str] = ()) -> dict[str, Documents]:
    """The texts of each language as tables of words.

    Chinese is cut by rjieba with the words of the trade; English is split into letters, in lower case and without the
    commonest endings. Words of one Chinese sign, of fewer than three letters, numbers and stop words are left out.

    Args:
        texts: Shape (k,).
        domain: Words of the trade that stay in one piece: products, parts, procedures.

    Returns:
        Every language; texts of neither, and empty ones, are in none.
    """
    spoken = np.array([language(text) for text in texts], dtype="U2")
    chinese = _table(texts, np.flatnonzero(spoken == CHINESE), _chinese(domain), _chinese_word)
    english = _table(texts, np.flatnonzero(spoken == ENGLISH), _english, _english_word)
    return {CHINESE: chinese, ENGLISH: english}


def _table(
    texts: Sequence[str], rows: NDArray[np.int64], cut: Callable[[str], list[str]], judge: Callable[[Any], str]
) -> Documents:
    """The table of some texts; each different token is judged once, as there are a hundred million and few differ."""
    codes, read = Codes(judge), array("i")
    ends = np.zeros(len(rows) + 1, np.int64)
    for place, row in enumerate(rows, start=1):
        read.extend(map(codes.__getitem__, cut(texts[row])))
        ends[place] = len(read)
    found = np.frombuffer(read, np.int32) if read else np.zeros(0, np.int32)
    counts_for = np.concatenate([[0], np.cumsum(found != Codes.NONE)])
    words = np.asarray(codes.words, dtype="str")
    order = np.argsort(words, kind="stable")
    column = np.empty(len(words), np.int32)
    column[order] = np.arange(len(words))
    indices = column[found[found != Codes.NONE]]
    shape = (len(rows), len(words))
    counts = csr_array((np.ones(len(indices)), indices, counts_for[ends]), shape=shape)
    counts.sum_duplicates()
    return Documents(rows.astype(np.int64), counts, words[order])


def _chinese(domain: Collection[str]) -> Callable[[str], list[str]]:
    jieba = Jieba()
    for word in sorted(domain):
        jieba.add_word(word, _DOMAIN_FREQUENCY, "n")
    cut: Callable[[str], list[str]] = jieba.cut
    return cut


def _chinese_word(token: str) -> str:
    if len(token) < _LEAST_CHINESE or token in STOP_WORDS[CHINESE]:
        return ""
    if _HAN.match(token):
        return token
    return token.lower() if token.isascii() and token.isalpha() else ""


def _english(text: str) -> list[str]:
    return _LATIN.findall(text.lower())


def _english_word(token: str) -> str:
    if len(token) < _LEAST_ENGLISH or token in STOP_WORDS[ENGLISH]:
        return ""
    stem = _stem(token.removesuffix("'s"))
    return stem if len(stem) >= _LEAST_ENGLISH and stem not in STOP_WORDS[ENGLISH] else ""


def _stem(word: str) -> str:
    """The word without a plural's ending: complaints and complaint are one (step 1a of Porter, Program 14, 1980)."""
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
