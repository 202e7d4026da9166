"""The server of a distributed search, which ends when the search is over, is interrupted, or has no workers left."""

from __future__ import annotations

import os
import time
from concurrent import futures
from typing import Any

import grpc

from keras_bayes.distributed import DistributedOracle

LOOK_SECONDS = 1.0  # between two looks at the search
GRACE_SECONDS = 1.0  # for what is being answered at the end
OPTIONS = [("grpc.so_reuseport", 0)]  # or else two chiefs could share a port, and each worker would get one of them
TUNER_ID_HEADER = "tuner-id-bin"  # of a call: who makes it, in UTF-8; most requests have no place for it


def serve(oracle: DistributedOracle) -> None:
    """Answers the workers of a search.

    The server of `keras_tuner.Tuner.search` does not end while nobody asks, nor stop when it is interrupted.

    Raises:
        RuntimeError: Another process has the address.
    """
    from keras_tuner.src import protos  # as late as in keras-tuner itself: TensorFlow chooses the release of protobuf
    from keras_tuner.src.distribute.oracle_chief import OracleServicer, exit_chief

    servicer = OracleServicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), interceptors=[_Callers(oracle)], options=OPTIONS)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    server.add_insecure_port(address())
    server.start()
    try:
        while not (servicer.stop_triggered and exit_chief(oracle)):
            time.sleep(LOOK_SECONDS)
            oracle.release_lost_trials()
            if oracle.ends_abandoned():
                return
    finally:
        server.stop(GRACE_SECONDS).wait()


class _Callers(grpc.ServerInterceptor):
    """Lets an oracle know who calls, where a worker says so.

    Args:
        oracle: The oracle.
    """

    def __init__(self, oracle: DistributedOracle) -> None:
        self._oracle = oracle

    def intercept_service(self, continuation: Any, call: Any) -> Any:
        """What answers a call."""
        handler = continuation(call)
        tuner_id = dict(call.invocation_metadata).get(TUNER_ID_HEADER)
        if handler is None or tuner_id is None:
            return handler

        def answer(request: Any, context: Any) -> Any:
            with self._oracle.called_by(tuner_id.decode()):
                return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


def address() -> str:
    """Where workers find the chief, as keras-tuner is told."""
    return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
