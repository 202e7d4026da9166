"""The server of a distributed search, which ends when the search is over, is interrupted, or has no workers left."""

from __future__ import annotations

import time
import warnings
from concurrent import futures
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes.distributed_oracle import DistributedOracle
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.roles import address

LOOK_SECONDS = 1.0  # between two looks at the search
GRACE_SECONDS = 1.0  # for what is being answered at the end
OPTIONS = [("grpc.so_reuseport", 0)]  # or else two chiefs could share a port, and each worker would get one of them
TUNER_ID_HEADER = "tuner-id-bin"  # of a call: who makes it, in UTF-8; most requests have no place for it
PROCESS_HEADER = "process"  # of a call: which process makes it
SEARCH_HEADER = "search"  # of a call: the search that the worker works for, if it knows that
ANOTHER_SEARCH = grpc.StatusCode.FAILED_PRECONDITION  # of an answer: it is not that of the chief
SEARCH_OVER = grpc.StatusCode.ABORTED  # of an answer: the worker knows that, so that it asks in another search
CREATE_TRIAL = "/keras_tuner.Oracle/CreateTrial"


def serve(oracle: DistributedOracle) -> None:
    """Answers the workers of a search.

    The server of `keras_tuner.Tuner.search` does not end while nobody asks, nor stop when it is interrupted.

    Raises:
        RuntimeError: Another process has the address.
    """
    from keras_tuner.src import protos  # as late as in keras-tuner itself: TensorFlow chooses the release of protobuf
    from keras_tuner.src.distribute.oracle_chief import OracleServicer

    servicer = OracleServicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), interceptors=[_Callers(oracle)], options=OPTIONS)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    server.add_insecure_port(address())
    server.start()
    try:
        while not (servicer.stop_triggered and oracle.is_deserted):
            time.sleep(LOOK_SECONDS)
            oracle.release_lost_trials()
            if oracle.ends_abandoned():
                return
    finally:
        server.stop(GRACE_SECONDS).wait()


class _Callers(grpc.ServerInterceptor):
    """Lets an oracle know who calls, where a worker says so, and the user where two say they are the same one.

    Args:
        oracle: The oracle.
    """

    def __init__(self, oracle: DistributedOracle) -> None:
        self._oracle = oracle
        self._processes: dict[str, list[str]] = {}  # of each worker, one after the other
        self._dismissed: set[str] = set()  # processes that have been told that no trial is left

    def intercept_service(self, continuation: Any, call: Any) -> Any:
        """What answers a call."""
        handler = continuation(call)
        metadata = dict(call.invocation_metadata)
        if handler is None or TUNER_ID_HEADER not in metadata:
            return handler
        tuner_id, process = metadata[TUNER_ID_HEADER].decode(), metadata[PROCESS_HEADER]
        self._note_process(tuner_id, process)

        def answer(request: Any, context: Any) -> Any:
            if metadata.get(SEARCH_HEADER, self._oracle.search_id) != self._oracle.search_id:
                context.abort(ANOTHER_SEARCH, "The worker works for another search than this chief.")
            if call.method == CREATE_TRIAL and process in self._dismissed:
                context.abort(SEARCH_OVER, "The search of this chief is over.")
            with self._oracle.called_by(tuner_id):
                response = handler.unary_unary(request, context)
            if call.method == CREATE_TRIAL and Trial.from_proto(response.trial).status == TrialStatus.STOPPED:
                self._dismissed.add(process)
            return response

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)

    def _note_process(self, tuner_id: str, process: str) -> None:
        processes = self._processes.setdefault(tuner_id, [])
        if process not in processes:
            processes.append(process)
        elif process != processes[-1]:  # which has not taken its place, then
            warnings.warn(
                f"Two workers call themselves {tuner_id!r}, so they train the same trials. Give each a "
                "`KERASTUNER_TUNER_ID` of its own.",
                KerasBayesWarning,
                stacklevel=2,
            )
