"""Work done in several processes is the work done in one, in its order; and a Dask cluster can do it."""

import os

import joblib
import pytest

from wonderland.lab.jobs import in_processes
from wonderland.testing.selftest import selftest


def _who(number):
    return number, os.getpid()


def test_results_come_in_the_order_of_the_work_from_other_processes():
    found = list(in_processes(_who, [(n,) for n in range(6)], 2))
    assert [number for number, _ in found] == list(range(6))
    assert os.getpid() not in {process for _, process in found}


def _fails(number):
    raise ValueError(f"no {number}")


def test_what_goes_wrong_there_is_raised_here():
    with pytest.raises(ValueError, match="no 0"):
        list(in_processes(_fails, [(0,)], 2))


@pytest.mark.slow
def test_a_selftest_in_processes_finds_what_one_in_this_process_finds():
    def told(done):
        return [(one.analysis, one.planted, one.found, one.passed) for one in done.outcomes], done.untested

    seen = []
    several = selftest("attention-entropy", on_outcome=seen.append, jobs=2)
    assert told(several) == told(selftest("attention-entropy"))
    assert seen == list(several.outcomes)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_two_workers_of_a_cluster_on_this_machine_do_the_work():
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        found = list(in_processes(_who, [(n,) for n in range(6)], 2))
        done = selftest("attention-entropy", jobs=2)
    assert [number for number, _ in found] == list(range(6))
    assert os.getpid() not in {process for _, process in found}
    assert done.outcomes
    assert not done.failed
