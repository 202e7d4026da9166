"""The part of this process in a distributed search, as the environment variables of keras-tuner say."""

from __future__ import annotations

import os


def is_distributed() -> bool:
    """Whether this process is the chief or a worker of a distributed search."""
    return "KERASTUNER_ORACLE_IP" in os.environ


def is_chief() -> bool:
    """Whether this process is the chief of a distributed search."""
    return is_distributed() and "chief" in os.environ["KERASTUNER_TUNER_ID"]


def address() -> str:
    """Where workers find the chief, as keras-tuner is told."""
    return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
