"""For machines that watch: ``/metrics`` as Prometheus reads it, and ``/readyz``, whether work can be done here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bihuan import __version__
from bihuan.services.metric import Figures, figures
from bihuan.services.readiness import CHECKS, lacks
from bihuan.web.view import site


class _Written(Collector):
    """The figures of one look, as families of Prometheus."""

    def __init__(self, found: Figures) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        found = self.found
        yield _one("bihuan_due_lag_seconds", "Age of the oldest due and undecided step.", found.due_lag_seconds)
        yield _one("bihuan_delivery_lag_seconds", "Wait of the oldest message that may go.", found.delivery_lag_seconds)
        yield _one("bihuan_deadlines_open", "Deadlines neither met nor cancelled, to 50000.", found.open)
        yield _one("bihuan_deadlines_overdue", "Open deadlines that are past due, to 50000.", found.overdue)
        yield _many("bihuan_messages", "Messages in a state, to 50000.", "state",
                    ((heap.state.value, heap.count) for heap in found.heaps))  # fmt: skip
        yield _many("bihuan_message_oldest_seconds", "Age of the oldest message in a state.", "state",
                    ((heap.state.value, heap.oldest_seconds) for heap in found.heaps))  # fmt: skip
        yield from self._sweeps()
        yield _many("bihuan_build_info", "The version that runs.", "version", [(__version__, 1)])

    def _sweeps(self) -> Iterator[Metric]:
        runs = self.found.runs
        beats = [(run.pulse.sweep, run.pulse.beat_at) for run in runs]
        yield _many("bihuan_sweep_last_success_timestamp_seconds", "When a sweep last completed.", "sweep",
                    ((sweep, beat_at.timestamp()) for sweep, beat_at in beats if beat_at))  # fmt: skip
        yield _many("bihuan_sweep_interval_seconds", "How often a sweep is to run.", "sweep",
                    ((run.pulse.sweep, run.pulse.interval.total_seconds()) for run in runs))  # fmt: skip
        yield _many("bihuan_sweep_silent", "1 where a sweep missed three intervals.", "sweep",
                    ((run.pulse.sweep, float(run.pulse.is_silent(self.found.at))) for run in runs))  # fmt: skip
        yield _many("bihuan_sweep_last_seconds", "How long the last run of a sweep took.", "sweep",
                    ((run.pulse.sweep, run.seconds) for run in runs if run.seconds is not None))  # fmt: skip
        yield _many("bihuan_sweep_last_rows", "Rows that the last run of a sweep took.", "sweep",
                    ((run.pulse.sweep, run.done) for run in runs if run.done is not None))  # fmt: skip


def metrics(request: Request) -> Response:
    """How the installation stands, in the text format of Prometheus."""
    here = site(request)
    with here.db.read() as session:
        found = figures(session, here.clock())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Written(found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def readiness(request: Request) -> Response:
    """Whether work can be done here; 503 with each thing that is wrong and its cure."""
    here = site(request)
    wrong = lacks(here.db, here.settings.policy_dir, here.clock())
    said = [{"check": lack.check, "what": lack.what, "cure": lack.cure} for lack in wrong]
    status = "not ready" if wrong else "ready"
    return JSONResponse({"status": status, "checks": list(CHECKS), "wrong": said}, 503 if wrong else 200)


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value)


def _many(name: str, says: str, label: str, rows: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for word, value in rows:
        family.add_metric([word], value)
    return family
