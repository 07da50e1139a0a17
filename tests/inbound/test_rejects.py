from __future__ import annotations

import csv

from bihuan.inbound.cell import Reject
from bihuan.inbound.rejects import RejectFile


def test_rejects_are_written_with_line_reason_and_row_and_no_formula(tmp_path):
    path = tmp_path / "desk.rejects.csv"
    with RejectFile(path) as rejects:
        assert not path.exists()
        rejects.write(Reject(7, "bad", {"Number": "=1+1", "Who": "+86 10", "Note": "-"}))
        rejects.write(Reject(9, "@worse", {"Number": "12", "Who": "\tx", "Note": "李, 娜"}))
    with path.open(encoding="utf-8-sig", newline="") as handle:
        assert list(csv.reader(handle)) == [
            ["line", "reason", "Number", "Who", "Note"],
            ["7", "bad", "'=1+1", "'+86 10", "'-"],
            ["9", "'@worse", "12", "'\tx", "李, 娜"],
        ]
    assert rejects.count == 2
