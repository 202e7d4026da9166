"""What a worker of a distributed search does where its chief is away, where it has lost its trial, or is sick."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import keras_tuner as kt
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes import project
from keras_bayes.chief import ANOTHER_SEARCH, PROCESS_HEADER, SEARCH_HEADER, SEARCH_OVER, TUNER_ID_HEADER
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.leases import HEARTBEAT_SECONDS, LEASE_SECONDS
from keras_bayes.roles import address
from keras_bayes.search_end import repeated_error
from keras_bayes.search_log import SearchLog

SHARING_SECONDS = 20.0  # after which a network file system shows what another machine has written
MAX_FAILURES = 5  # with one error, of one worker, one after the other
RETRY_POLICY = {  # see https://grpc.io/docs/guides/retry
    "maxAttempts": 5,
    "initialBackoff": "1s",
    "maxBackoff": "10s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
RECONNECT_MILLISECONDS = 5000  # between two looks for the chief: well within a lease


class AnotherSearchError(kt.errors.FailedTrialError):  # type: ignore[misc]
    """The chief that answers a worker has another search, so that the trial of the worker is none of its."""


class SearchOverError(kt.errors.FatalError):  # type: ignore[misc]
    """The chief has not begun its next search yet: the one that it has is over, as the worker knows."""


class SearchEndedError(kt.errors.FatalError):  # type: ignore[misc]
    """The search of a worker has ended, and its chief too."""


_REFUSALS: dict[Any, type[Exception]] = {ANOTHER_SEARCH: AnotherSearchError, SEARCH_OVER: SearchOverError}


def connect(client: Any, folder: Path) -> None:
    """Lets the calls of a worker outlast its chief, and wait for it no longer than its search goes on.

    A call that has broken off is made once more when the chief is there again, which may so hear the same twice.

    Args:
        client: A `keras_tuner.src.distribute.oracle_client.OracleClient`.
        folder: The project.
    """
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": RETRY_POLICY}]})
    options = [("grpc.service_config", config), ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS)]
    stub = type(client.stub)(grpc.insecure_channel(address(), options=options))
    metadata = [(TUNER_ID_HEADER, client.tuner_id.encode()), (PROCESS_HEADER, project.process())]
    client.stub = Stub(stub, folder, metadata)


class Stub:
    """The calls of a worker to its chief.

    Attributes:
        goes_on: Whether the search was going on when that was last known, which a trial that was given proves.

    Args:
        stub: The calls as gRPC makes them.
        folder: The project, which says of a chief that does not answer whether its search has ended.
        metadata: What is sent with each call.
    """

    def __init__(self, stub: Any, folder: Path, metadata: Sequence[tuple[str, str | bytes]]) -> None:
        self._stub = stub
        self._folder = folder
        self._metadata = metadata
        self._search: list[tuple[str, str]] = []  # header of the search that the last trial was asked for in, if known
        self.look()

    def look(self) -> None:
        """Reads from the folder whether the search goes on; one that is over may be that of the chief before."""
        self.goes_on = not _are_dismissed(self._folder)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, getattr(self._stub, name))

    def CreateTrial(self, request: Any, **options: Any) -> Any:
        """Asks for a trial of the search in the folder, which may take a moment to appear there, or to begin.

        Raises:
            keras_tuner.errors.FatalRuntimeError: The chief has another search.
        """
        deadline = math.inf
        while True:
            search_id = project.peek(self._folder / project.ORACLE_FILE).get("search_id")
            self._search = [] if search_id is None else [(SEARCH_HEADER, str(search_id))]
            try:
                return self._call(self._stub.CreateTrial, request, **options)
            except AnotherSearchError as error:
                deadline = min(deadline, time.monotonic() + SHARING_SECONDS)
                if time.monotonic() > deadline:
                    raise _is_elsewhere(self._folder) from error
            except SearchOverError:
                pass
            time.sleep(SHARING_SECONDS / 100)

    def _call(self, method: Any, request: Any, **options: Any) -> Any:
        """The answer to a call.

        Raises:
            AnotherSearchError, SearchOverError: The chief refuses one.
            SearchEndedError: There will be none.
            grpc.RpcError: The call failed.
        """
        call = method.future(request, metadata=[*self._metadata, *self._search], **options)
        try:
            while not call.done():
                with contextlib.suppress(grpc.FutureTimeoutError):
                    call.exception(timeout=HEARTBEAT_SECONDS)
                if (not call.done() or is_away(call)) and self.goes_on and _are_dismissed(self._folder):
                    raise SearchEndedError("The search has ended, and its chief too.")
            if call.code() in _REFUSALS:
                raise _REFUSALS[call.code()](call.details())
            return call.result()
        finally:
            call.cancel()


def _are_dismissed(folder: Path) -> bool:
    """Whether the chief of a project has noted that there is nothing left to run."""
    return bool(project.peek(folder / project.ORACLE_FILE).get("workers_dismissed"))


def is_away(error: grpc.RpcError) -> bool:
    """Whether a call failed since the chief did not answer, not since it answered with an error."""
    codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return isinstance(error, grpc.Call) and error.code() in codes


def give_sign(client: Any) -> None:
    """Lets the chief know, if it is there, that a worker is alive which runs no trial now.

    Args:
        client: A `keras_tuner.src.distribute.oracle_client.OracleClient`.
    """
    from keras_tuner.src import protos  # as late as in keras-tuner itself

    with contextlib.suppress(grpc.RpcError, AnotherSearchError, SearchEndedError):
        client.stub.GetSpace(protos.get_service().GetSpaceRequest(), timeout=HEARTBEAT_SECONDS)


class Hold:
    """What a worker has of its trial until that, or its number, is another's, or the search has ended.

    Args:
        client: A `keras_tuner.src.distribute.oracle_client.OracleClient`.
        trial_id: The trial.
    """

    def __init__(self, client: Any, trial_id: str) -> None:
        self.trial_id = trial_id
        self.is_lost = False
        self._client = client
        self._asked = time.monotonic()
        self._is_in_doubt = False  # since this process was stopped, and the chief has not answered since

    def renew(self) -> None:
        """Lets the chief know that the trial is running, if it is there, and learns from it whose trial it is."""
        from keras_tuner.src import protos

        request = protos.get_service().GetTrialRequest(trial_id=self.trial_id)
        try:
            response = self._client.stub.GetTrial(request, timeout=HEARTBEAT_SECONDS)
            self.is_lost = self.is_lost or Trial.from_proto(response.trial).status != TrialStatus.RUNNING
            self._is_in_doubt = False
        except (AnotherSearchError, SearchEndedError):
            self.is_lost = True
        except grpc.RpcError:  # the chief is away
            pass
        self._is_in_doubt |= self._was_stopped()  # an answer may be of before, too
        self._asked = time.monotonic()

    def check(self) -> None:
        """Ends the training of a trial that is another's by now; who was stopped for a while asks first.

        Raises:
            keras_tuner.errors.FailedTrialError: It is.
        """
        if self._is_in_doubt or self._was_stopped():
            self.renew()
        if self.is_lost:
            raise kt.errors.FailedTrialError(f"trial_{self.trial_id} is not this worker's any more.")

    def _was_stopped(self) -> bool:
        """Whether this process has not asked for longer than it ever waits."""
        return time.monotonic() - self._asked > LEASE_SECONDS / 2


def wait_for_trial(folder: Path, trial_id: str) -> None:
    """Waits for what the chief has written of a trial before it gave that away.

    Args:
        folder: The project.
        trial_id: The trial.

    Raises:
        keras_tuner.errors.FatalRuntimeError: Nothing of its search appears: the folder is not that of the chief.
    """
    deadline = time.monotonic() + SHARING_SECONDS
    while not _is_given(folder, trial_id):
        if time.monotonic() > deadline and not project.exists(folder):
            raise _is_elsewhere(folder)
        if time.monotonic() > deadline:
            warnings.warn(
                f"The chief has not written trial_{trial_id} to {folder.resolve()} within {SHARING_SECONDS:.0f} s; the "
                "trial runs without what that would say, such as which training it goes on with.",
                KerasBayesWarning,
                stacklevel=2,
            )
            return
        time.sleep(SHARING_SECONDS / 100)


def check_writable(folder: Path) -> None:
    """Raises if nothing of a trial could be kept in the folder of a search.

    Raises:
        keras_tuner.errors.FatalRuntimeError: It is there, but must not be written to.
    """
    if folder.exists() and not os.access(folder, os.W_OK):
        raise kt.errors.FatalRuntimeError(
            f"This worker has no right to write to {folder.resolve()}: curves and weights of its trials would be lost."
        )


def _is_elsewhere(folder: Path) -> kt.errors.FatalRuntimeError:
    return kt.errors.FatalRuntimeError(
        f"The search of the chief at {address()} is not in {folder.resolve()}. Start chief and workers with the same "
        "`directory` and `project_name`, on a disk that they share, and each search with a port of its own."
    )


def _is_given(folder: Path, trial_id: str) -> bool:
    """Whether the folder of a search says that a trial is running, or has run."""
    status = project.peek(project.trial_file(folder, trial_id)).get("status", TrialStatus.INVALID)
    return bool(status != TrialStatus.INVALID)


def check_health(failed: Sequence[str], log: SearchLog) -> None:
    """Raises if the last trials of a worker failed for a reason that the others do not have, such as a broken device.

    Args:
        failed: Ids of the last trials of the worker, which have all failed, in their order.
        log: The search.

    Raises:
        RuntimeError: That is so; with the error of its last trial.
    """
    own = [trial.record for trial in log.trials if trial.trial_id in failed[-MAX_FAILURES:]]
    traceback = repeated_error(own, MAX_FAILURES)
    if not traceback:
        return
    others = [trial.record for trial in log.trials if trial.trial_id not in failed]
    since = [record.status for record in others if record.status == "RUNNING" or record.number > own[0].number]
    if since and "FAILED" not in since:
        raise RuntimeError(
            f"The last {MAX_FAILURES} trials of this worker, and no others, failed with the same error. It "
            f"stops.\n{traceback}"
        )
