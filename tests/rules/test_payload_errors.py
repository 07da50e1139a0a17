"""What is wrong with a payload is said without what was in it: such an error may end in a log as it is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from schemas.answer import AnswerIn
from schemas.complaint import ComplaintIn, CustomerIn, EventIn
from schemas.people import StaffIn
from schemas.roster import DepartmentIn, StaffBook
from schemas.touchpoint import TouchpointIn

PERSON = "周小姐 13800138000"


@pytest.mark.parametrize("kind", [
    AnswerIn, ComplaintIn, CustomerIn, DepartmentIn, EventIn, StaffBook, StaffIn, TouchpointIn,
])  # fmt: skip
def test_an_error_names_the_field_and_not_the_value(kind: type[BaseModel]):
    wrong: dict[str, Any] = {name: [PERSON] for name in kind.model_fields}
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(wrong | {"made_up": PERSON})
    assert PERSON not in str(refused.value)
    assert len(refused.value.errors()) > 1
