"""The table of the roofline, fitted once: it takes seconds."""

from __future__ import annotations

import pytest

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.models import read_models
from judgefast.catalogue.throughput import read_measured
from judgefast.costs.fit import Case, cases_of
from judgefast.costs.fit_table import Table, table


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    return cases_of(read_measured().values(), read_models(), read_gpus())


@pytest.fixture(scope="session")
def found(cases: list[Case]) -> Table:
    return table(cases)
