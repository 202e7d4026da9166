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
TUNER_ID_HEADER = "tuner-id-bin"  # of a sign of life: who gives it, in UTF-8; the request has no place for it


def serve(oracle: DistributedOracle) -> None:
    """Answers the workers of a search.

    The server of `keras_tuner.Tuner.search` does not end while nobody asks, nor stop when it is interrupted.

    Raises:
        RuntimeError: Another process has the address.
    """
    from keras_tuner.src import protos  # as late as in keras-tuner itself: TensorFlow chooses the release of protobuf
    from keras_tuner.src.distribute.oracle_chief import OracleServicer, exit_chief

    class Servicer(OracleServicer):
        """Knows which worker asks for a trial, if that says so."""

        def GetTrial(self, request: Any, context: Any) -> Any:
            tuner_id = dict(context.invocation_metadata()).get(TUNER_ID_HEADER)
            if tuner_id is None:
                return super().GetTrial(request, context)
            trial = oracle.get_trial_of(tuner_id.decode(), request.trial_id)
            return protos.get_service().GetTrialResponse(trial=trial.to_proto())

    servicer = Servicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=OPTIONS)
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


def address() -> str:
    """Where workers find the chief, as keras-tuner is told."""
    return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
