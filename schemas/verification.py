"""Effect verification 效果验证: the words of its methods, verdicts, reasons and limits."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """What kind of figure an indicator is."""

    SHARE = "share"
    """So many of so many, 0..1."""
    RATE = "rate"
    """Events over an exposure: complaints per order."""
    SCORE = "score"
    """The mean of answers, such as 1..5."""
    NPS = "nps"
    """Promoters less detractors, points -100..100."""
    DURATION = "duration"
    """Times, of which some may not have ended."""


class Method(StrEnum):
    """How an effect is estimated."""

    SEGMENTED = "segmented"
    """分段回归: the change of level beyond trend and season."""
    DID = "did"
    """双重差分: beyond what changed in an untouched slice."""
    SAME_MONTHS = "same_months"
    """同期对比: beyond what changed between the same months last year."""
    PAIRED = "paired"
    """配对: the same customers asked twice."""
    TWO_WINDOWS = "two_windows"
    """前后两段: shares of two windows."""
    RATE_RATIO = "rate_ratio"
    DURATION = "duration"
    SCORE = "score"
    NPS = "nps"


class Verdict(StrEnum):
    """What is said of an effect; computed, never typed."""

    EFFECTIVE = "effective"
    """有效."""
    PARTIAL = "partial"
    """部分有效: better, and the target is missed."""
    INEFFECTIVE = "ineffective"
    """无效: enough data, and nothing to be seen."""
    WORSE = "worse"
    """恶化."""
    NOT_ATTRIBUTABLE = "not_attributable"
    """无法归因: better, and so was what nothing was done to."""
    INCONCLUSIVE = "inconclusive"
    """证据不足: too few data."""
    NOT_IMPLEMENTED = "not_implemented"
    """未落实: the measures were not carried out."""


class Certainty(StrEnum):
    """How surely the target was reached."""

    CONFIRMED = "confirmed"
    """达标-确证: the whole interval of "after" lies at the target or beyond."""
    POINT_ESTIMATE = "point_estimate"
    """达标-点估计: the figure does, its interval does not."""


class Reason(StrEnum):
    """What decided the verdict."""

    FIDELITY_LOW = "fidelity_low"
    SIDE_EFFECT = "side_effect"
    """副作用: a guard-rail got worse."""
    GOT_WORSE = "got_worse"
    TARGET_REACHED = "target_reached"
    TARGET_MISSED = "target_missed"
    CONTROL_MOVED_ALIKE = "control_moved_alike"
    SEASON_EXPLAINS = "season_explains"
    """The same months last year moved alike."""
    TREND_EXPLAINS = "trend_explains"
    """Trend and season before it go on to there."""
    SEASON_UNCHECKED = "season_unchecked"
    """A seasonal figure with nothing to tell the season from the measure."""
    NO_CHANGE_SEEN = "no_change_seen"
    TOO_FEW = "too_few"


class Limitation(StrEnum):
    """What must be said beside a verdict."""

    NO_CONTROL = "no_control"
    """Nothing untouched to compare with: what moved everywhere at once would look the same."""
    TWO_WINDOWS_ONLY = "two_windows_only"
    """Two measurements: a trend that went on anyway would look the same."""
    SHORT_SERIES = "short_series"
    """Too few periods for a series."""
    SEASONAL_UNCHECKED = "seasonal_unchecked"
    """The figure is seasonal, and the season was not taken out."""
    SEASON_UNKNOWN = "season_unknown"
    """Nobody has said whether it is seasonal."""
    ONE_YEAR_OF_SEASON = "one_year_of_season"
    """The season is known from one year only."""
    MIX_CHANGED = "mix_changed"
    """Other kinds of cases than before; held to the mix of before."""
    STRATA_MISSING = "strata_missing"
    """Some kinds of cases of before did not occur after, and are left out of the comparison."""
    RESPONSE_RATE_MOVED = "response_rate_moved"
    """Others may have answered than before."""
    AUTOCORRELATED = "autocorrelated"
    """Neighbouring periods are alike; the interval was widened for it."""
    SCATTER_UNKNOWN = "scatter_unknown"
    """Too few periods to tell how much they scatter: as much as chance makes was taken."""
    OVERDISPERSED = "overdispersed"
    """Periods scatter more than chance makes; the interval was widened for it."""
    SMALL_CELLS = "small_cells"
    """Fewer than five in a cell: the p-value is exact."""
    OPEN_CASES = "open_cases"
    """Some have not ended: counted as longer than so far."""
    TRENDS_UNCHECKED = "trends_unchecked"
    """Whether the control ran alongside before cannot be told."""
    TRENDS_DIFFER = "trends_differ"
    """The control did not run alongside before."""
    ANSWERED_BOTH_ONLY = "answered_both_only"
    """Only who answered twice counts."""


class Reach(StrEnum):
    """Whether a plan can be verified in time."""

    IN_TIME = "in_time"
    NOT_IN_TIME = "not_in_time"
    """不可验证于本周期: not within six months of the measure."""
    NEVER = "never"
    """Not with this baseline, or nothing comes in at all."""
