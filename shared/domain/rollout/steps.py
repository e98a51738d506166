"""What becomes of a step of a rollout, from what was counted and what people ordered: a pure judgement."""

from enum import StrEnum


class StepDecision(StrEnum):
    WAIT = "wait"
    ADVANCE = "advance"
    ABORT = "abort"  # The traffic goes back to what it was before the rollout.
    STOP = "stop"  # Somebody else has changed the traffic: it is theirs, and only the rest is put back.
