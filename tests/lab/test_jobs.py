"""Work done in several processes is the work done in one, in its order; and a Dask cluster can do it."""

import os

import joblib
import pytest

from wonderland.lab.jobs import in_processes
from wonderland.testing.selftest import selftest


def test_results_come_in_the_order_of_the_work_of_whatever_backend_does_it():
    with joblib.parallel_config(backend="threading"):
        assert list(in_processes(pow, [(n, 2) for n in range(6)], 2)) == [n**2 for n in range(6)]
        with pytest.raises(ValueError, match="'no number'"):
            list(in_processes(int, [("no number",)], 2))


@pytest.mark.slow
def test_results_come_in_the_order_of_the_work_from_other_processes():
    # Work is of the standard library: other processes need not know where these tests lie.
    assert list(in_processes(pow, [(n, 2) for n in range(6)], 2)) == [n**2 for n in range(6)]
    assert os.getpid() not in set(in_processes(os.getpid, [()] * 6, 2))


@pytest.mark.slow
def test_what_goes_wrong_there_is_raised_here():
    with pytest.raises(ValueError, match="'no number'"):
        list(in_processes(int, [("no number",)], 2))


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
        found = list(in_processes(pow, [(n, 2) for n in range(6)], 2))
        processes = set(in_processes(os.getpid, [()] * 6, 2))
        done = selftest("attention-entropy", jobs=2)
    assert found == [n**2 for n in range(6)]
    assert os.getpid() not in processes
    assert done.outcomes
    assert not done.failed
