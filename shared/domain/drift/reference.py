"""The champion's reference: a reference profile that also knows the model's outputs, and what moves them.

It is the profile's own JSON with three more fields, each of which may be missing; the data check reads it as before.
It travels in the model's bundle at `contract/reference-profile.json`, so that every version brings its own.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from shared.domain.data.reference_profile import ColumnProfile, ProfileError, ReferenceProfile, parse_profile
from shared.domain.drift.relevance import FeatureRelevance, Relevance
from shared.domain.identity import digest

PLACE = "contract/reference-profile.json"  # In the extras of a bundle.


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The mean output of the training rows, by what one input was.

    Numeric: *means[i]* for rows at or below *edges[i]* and above the edge before; one more mean than edges. Every edge
    is one of the profile's breakpoints. Categorical: *categories* by value.
    """

    edges: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    categories: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The mean of *rows* outputs and their sum of squared deviations from it; mergeable."""

    rows: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def merged(self, moments: "Moments") -> "Moments":
        """Both together (Chan, Golub and LeVeque 1979)."""
        rows = self.rows + moments.rows
        if not rows:
            return self
        difference = moments.mean - self.mean
        squares = self.squares + moments.squares + difference**2 * self.rows * moments.rows / rows
        return Moments(rows=rows, mean=self.mean + difference * moments.rows / rows, squares=squares)

    @property
    def deviation(self) -> float:
        return math.sqrt(self.squares / max(1, self.rows - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReference:
    """*outputs* by the output's name; *moments* of those that are numbers; *responses* by input column."""

    inputs: ReferenceProfile
    outputs: Mapping[str, ColumnProfile] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)
    responses: Mapping[str, Response] = field(default_factory=dict)
    relevance: Relevance | None = None

    @property
    def digest(self) -> str:
        """Names the content: windows are counted for one reference."""
        return digest(json.dumps(self.to_dict(), sort_keys=True))

    @property
    def inputs_alone(self) -> "ModelReference":
        """For windows that hold no outputs: whether the score would move is then foreseen, not tested."""
        return replace(self, outputs={}, moments={})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `parse_reference` reads it back."""
        outputs = ReferenceProfile(rows=self.inputs.rows, columns=self.outputs).to_dict()["columns"]
        for name, moments in self.moments.items():
            outputs[name]["moments"] = asdict(moments)
        return self.inputs.to_dict() | {
            "outputs": outputs,
            "responses": {name: asdict(response) for name, response in self.responses.items()},
            "relevance": asdict(self.relevance) if self.relevance else None,
        }


def parse_reference(mapping: Any) -> ModelReference:
    """The reference that *mapping* (parsed JSON) holds, a plain profile included. Raises ProfileError."""
    inputs = parse_profile(mapping)
    try:
        outputs, relevance = mapping.get("outputs") or {}, mapping.get("relevance")
        return ModelReference(
            inputs=inputs,
            outputs=parse_profile({**mapping, "columns": outputs}).columns,
            moments={name: Moments(**output["moments"]) for name, output in outputs.items() if output.get("moments")},
            responses={name: _response(response) for name, response in (mapping.get("responses") or {}).items()},
            relevance=parse_relevance(relevance) if relevance else None,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as mistake:
        if isinstance(mistake, ProfileError):
            raise
        raise ProfileError(
            f"the outputs or relevance of a reference profile are wrong ({mistake!r}): make it again"
        ) from mistake


def parse_relevance(mapping: Mapping[str, Any]) -> Relevance:
    """The relevance in *mapping*, as `dataclasses.asdict` gives it. Raises TypeError or KeyError."""
    features = tuple(FeatureRelevance(**feature) for feature in mapping["features"])
    return Relevance(**{**mapping, "features": features})


def _response(mapping: Mapping[str, Any]) -> Response:
    edges, means = tuple(map(float, mapping.get("edges", ()))), tuple(map(float, mapping.get("means", ())))
    if edges and len(means) != len(edges) + 1:
        raise ProfileError("a response of a reference profile needs one more mean than edges")
    return Response(edges=edges, means=means, categories=dict(mapping.get("categories", {})))
