from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bihuan.inbound.instant import Dates, instant_reader


@pytest.mark.parametrize(("local", "utc"), [
    ("03/08/2015 01:59", "2015-03-08T06:59"),
    ("03/08/2015 02:30", "2015-03-08T07:30"),  # skipped: 03:30 summer time
    ("11/01/2015 01:30", "2015-11-01T05:30"),  # twice: the first, summer time
    ("11/01/2015 12:00", "2015-11-01T17:00"),
])  # fmt: skip
def test_local_times_that_are_skipped_move_forward_and_doubled_ones_are_the_first(local, utc):
    read = instant_reader(Dates(formats=("%m/%d/%Y %H:%M",), day_first=False, timezone="America/New_York"))
    assert read(local) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(("formats", "text", "utc"), [
    ("%m/%d/%Y %I:%M:%S %p", "1/2/2026 12:00:05 AM", "2026-01-01T16:00:05"),
    ("%m/%d/%Y %I:%M:%S %p", "01/02/2026 12:00:05 pm", "2026-01-02T04:00:05"),
    ("%d %b %Y", "02 Jan 2026", "2026-01-01T16:00:00"),
    ("iso", "2026-01-02", "2026-01-01T16:00:00"),
    ("iso", "2026-01-02T00:00:00-05:00", "2026-01-02T05:00:00"),
    ("%d.%m.%Y %H:%M%z", "02.01.2026 09:30+0100", "2026-01-02T08:30:00"),
    (["%Y年%m月%d日", "iso"], "2026年1月2日", "2026-01-01T16:00:00"),
])  # fmt: skip
def test_dates_are_read_as_their_pattern_says(formats, text, utc):
    dates = {"formats": formats, "day_first": "%d.%m" in formats, "timezone": "Asia/Shanghai"}
    assert instant_reader(Dates.model_validate(dates))(text) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "3/4/2026", "2026-04-03", "31/02/2026 09:00", "01/01/0001 00:00", "1/2/26 9:00"])
def test_what_is_not_so_written_is_no_date(text):
    read = instant_reader(Dates(formats=("%d/%m/%Y %H:%M",), day_first=True, timezone="Asia/Shanghai"))
    with pytest.raises(ValueError, match="is not a date like %d/%m/%Y %H:%M"):
        read(text)


def test_a_date_cell_of_a_workbook_needs_a_zone_of_the_mapping():
    assert instant_reader(Dates(formats=("%d.%m.%Y",), day_first=True, timezone="UTC"))("2026-11-22T09:30:00")
    with pytest.raises(ValueError, match="is not a date like"):
        instant_reader(Dates(formats=("%d.%m.%Y%z",), day_first=True))("2026-11-22T09:30:00")
