"""Kinds that compare groups: tables, ranks, raters, many tests at once."""

from __future__ import annotations

from typing import Any

from bihuan.analysis import agreement, contingency, multiple, rank
from bihuan.analysis.contingency import ChiSquare
from bihuan.cli.kinds.given import Given

Result = dict[str, Any]


def two_proportion_z_pooled(given: Given) -> Result:
    """Whether two shares differ."""
    found = contingency.two_proportions(given.wholes("x"), given.wholes("n"))
    return {"z": found.z, "p_two_sided": found.p}


def chi2_k_proportions(given: Given) -> Result:
    """Whether k shares are alike."""
    corrected = given.flag("correction", "correct")
    return _chi2(contingency.k_proportions(given.wholes("x"), given.wholes("n"), is_corrected=corrected))


def chi2_independence(given: Given) -> Result:
    """Whether rows and columns are independent."""
    return _chi2(contingency.independence(given.table("table"), is_corrected=given.flag("correction", "correct")))


def chi2_trend_proportions(given: Given) -> Result:
    """Whether shares rise or fall along the groups."""
    names = ("scores", "score")
    scores = given.numbers(*names) if given.has(*names) else None
    return _chi2(contingency.trend(given.wholes("x"), given.wholes("n"), scores))


def fisher_exact(given: Given) -> Result:
    """Fisher's exact test."""
    found = contingency.fisher(given.table("table"))
    return {
        "p_two_sided": found.p, "p_greater": found.p_greater, "p_less": found.p_less, "odds_ratio": found.odds_ratio,
    }  # fmt: skip


def mcnemar_cc(given: Given) -> Result:
    """McNemar's test with correction for continuity, the other two beside it."""
    found = contingency.mcnemar(given.table("table"))
    return {
        "chi2": found.corrected, "df": 1, "p": found.p_corrected,
        "chi2_uncorrected": found.value, "p_uncorrected": found.p, "p_exact": found.p_exact,
    }  # fmt: skip


def mantel_haenszel(given: Given) -> Result:
    """One odds ratio over all strata."""
    rows = given.strata()
    tables = [[[x1, n1 - x1], [x2, n2 - x2]] for x1, n1, x2, n2 in rows.itertuples(index=False)]
    corrected = given.flag("correction", "correct")
    found = contingency.mantel_haenszel(tables, given.confidence(), is_corrected=corrected)
    return {
        "or": found.odds_ratio, "lo": found.low, "hi": found.high, "chi2": found.value, "df": 1, "p": found.p,
    }  # fmt: skip


def mann_whitney_exact(given: Given) -> Result:
    """The test of Mann and Whitney."""
    found = rank.mann_whitney(given.numbers("x", "a"), given.numbers("y", "b"))
    tails = {"p_two_sided": found.p, "p_less": found.p_less, "p_greater": found.p_greater}
    return {"u": found.u1, "u1": found.u1, "u2": found.u2, "p": _asked(given, tails), **tails, "exact": found.is_exact}


def wilcoxon_signed_rank(given: Given) -> Result:
    """Wilcoxon's signed-rank test."""
    second = given.numbers("y", "b") if given.has("y", "b") else None
    found = rank.wilcoxon(given.numbers("x", "a", "differences"), second)
    tails = {"p_two_sided": found.p, "p_less": found.p_less, "p_greater": found.p_greater}
    return {"v": found.v, "p": _asked(given, tails), **tails}


def kruskal_wallis(given: Given) -> Result:
    """The test of Kruskal and Wallis."""
    found = rank.kruskal_wallis(given.groups("groups", "samples", "x"))
    return {"h": found.h, "chi2": found.h, "df": found.df, "p": found.p}


def cohen_kappa(given: Given) -> Result:
    """Agreement of two raters."""
    weights: Any = given.word("weights", default="none")
    if weights not in {"none", "linear", "quadratic"}:
        raise ValueError("weights are none, linear or quadratic")
    found = agreement.cohen(_rated(given), weights, given.confidence())
    return {
        "kappa": found.value, "se": found.standard_error, "lo": found.low, "hi": found.high, "p": found.p,
        "observed": found.observed, "expected": found.expected,
    }  # fmt: skip


def _rated(given: Given) -> list[list[float]]:
    """A table, or two lists with what each rater said about the same subjects."""
    if given.has("table"):
        return given.table("table")
    first, second = (list(given.value(*names)) for names in (("rater1", "a", "x"), ("rater2", "b", "y")))
    categories = sorted({*first, *second}, key=str)
    pairs = list(zip(first, second, strict=True))
    return [[float(pairs.count((one, other))) for other in categories] for one in categories]


def fleiss_kappa(given: Given) -> Result:
    """Agreement of several raters."""
    found = agreement.fleiss(given.table("table", "counts", "ratings"))
    return {"kappa": found.value, "observed": found.observed, "expected": found.expected}


def benjamini_hochberg(given: Given) -> Result:
    """Many tests: the share of false findings held at q."""
    p, level = given.numbers("p", "p_values", "pvalues"), given.number("q", "alpha", default=0.05)
    found, holm, bonferroni = (multiple.adjust(p, level, method) for method in _METHODS)
    return {
        "adjusted": found.p, "rejected": found.is_rejected, "n_rejected": int(found.is_rejected.sum()),
        "n_rejected_holm": int(holm.is_rejected.sum()), "n_rejected_bonferroni": int(bonferroni.is_rejected.sum()),
    }  # fmt: skip


_METHODS: tuple[multiple.Method, ...] = ("benjamini_hochberg", "holm", "bonferroni")


def _chi2(found: ChiSquare) -> Result:
    return {"chi2": found.value, "df": found.df, "p": found.p}


def _asked(given: Given, tails: dict[str, float]) -> float:
    side = given.word("alternative", default="two-sided").replace("-", "_").replace(".", "_")
    if f"p_{side}" not in tails:
        raise ValueError("an alternative is two-sided, less or greater")
    return tails[f"p_{side}"]


KINDS = {
    kind.__name__: kind for kind in (
        two_proportion_z_pooled, chi2_k_proportions, chi2_independence, chi2_trend_proportions, fisher_exact,
        mcnemar_cc, mantel_haenszel, mann_whitney_exact, wilcoxon_signed_rank, kruskal_wallis, cohen_kappa,
        fleiss_kappa, benjamini_hochberg,
    )
}  # fmt: skip
