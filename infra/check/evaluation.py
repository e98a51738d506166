"""Evaluate a template with parameters to the resources that Azure would be sent, modules included.

What only a deployment knows becomes `Runtime`. Of a condition only the side that holds is evaluated.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from infra.check.findings import Place, TemplateError
from infra.check.functions import ENVIRONMENT, PURE, arity_problem, known, resource_id
from infra.check.language.parser import parse
from infra.check.language.syntax import (
    ArrayNode,
    Binary,
    Call,
    Choice,
    Expression,
    Index,
    Literal,
    Loop,
    Member,
    Module,
    Name,
    ObjectNode,
    Output,
    Parameter,
    Resource,
    Template,
    Text,
    Unary,
    Variable,
)
from infra.check.values import Body, Deployed, Deployment, ModuleHandle, Reference, Runtime

_PYTHON_TYPES = {"string": str, "int": int, "bool": bool, "object": dict, "array": list}
_SCOPE_KEY = "$scope"


class Files:
    """The folder of the templates as text, so that a test can change one without a disk."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def template(self, path: str, place: Place) -> Template:
        return parse(self.text(path, place), path)

    def text(self, path: str, place: Place) -> str:
        if path not in self.texts:
            raise TemplateError(place, f"{path} is not there", "references")
        return self.texts[path]


@dataclass(slots=True)
class Evaluation:
    """What a template gives, the outcomes of each condition by place, and the *references* that it reads."""

    resources: list[Deployed] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    conditions: dict[Place, set[bool]] = field(default_factory=dict)
    references: list[tuple[Place, Reference]] = field(default_factory=list)


def evaluate(files: Files, path: str, parameters: Mapping[str, Any], deployment: Deployment) -> Evaluation:
    """Raises TemplateError with file and line at the first thing that cannot be evaluated."""
    evaluation = Evaluation()
    template = files.template(path, Place(path, 1))
    scope = _Scope(files, template, parameters, deployment, evaluation, Place(path, 1))
    evaluation.outputs = scope.run()
    return evaluation


class _Scope:
    """One template with its parameters."""

    def __init__(
        self,
        files: Files,
        template: Template,
        parameters: Mapping[str, Any],
        deployment: Deployment,
        evaluation: Evaluation,
        caller: Place,
    ) -> None:
        self._files, self._template, self._deployment = files, template, deployment
        self._evaluation, self._values, self._open = evaluation, dict[str, Any](), set[str]()
        self._declarations = {
            getattr(entry, "symbol", None) or getattr(entry, "name", ""): entry
            for entry in template.declarations
            if not isinstance(entry, Output)
        }
        self._bind(parameters, caller)

    def run(self) -> dict[str, Any]:
        for declaration in self._template.declarations:
            if isinstance(declaration, Resource | Module):
                self._resolve(declaration.symbol, declaration.line)
        return {output.name: self._output(output) for output in self._template.outputs().values()}

    # Names.

    def _place(self, line: int) -> Place:
        return Place(self._template.path, line)

    def _bind(self, parameters: Mapping[str, Any], caller: Place) -> None:
        declared = self._template.parameters()
        for name in parameters:
            if name not in declared:
                raise TemplateError(caller, f"{self._template.path} has no parameter {name}", "references")
        for name, parameter in declared.items():
            if name in parameters:
                self._values[name] = self._checked(parameter, parameters[name], caller)
            elif parameter.default is None:
                raise TemplateError(caller, f"{self._template.path} needs parameter {name}", "references")

    def _checked(self, parameter: Parameter, value: Any, caller: Place) -> Any:
        """*value*, if it is what the parameter's type and decorators let through."""
        value = value.runtime() if isinstance(value, Reference) else value
        expected = _PYTHON_TYPES[parameter.type]
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            problem = f"parameter {parameter.name} of {self._template.path} is {parameter.type}, and not {value!r}"
            raise TemplateError(caller, problem, "references")
        limits = {
            name: self._evaluate(arguments[0], {}) for name, arguments in parameter.decorators.items() if arguments
        }
        if "allowed" in limits and value not in limits["allowed"] and not isinstance(value, Runtime):
            problem = f"parameter {parameter.name} allows {', '.join(map(str, limits['allowed']))}, and not {value!r}"
            raise TemplateError(caller, problem, "references")
        size = len(value) if isinstance(value, str | list) else value
        least, most = limits.get("minLength", limits.get("minValue")), limits.get("maxLength", limits.get("maxValue"))
        if (least is not None and size < least) or (most is not None and size > most):
            raise TemplateError(
                caller, f"parameter {parameter.name} may be {least} to {most}, and is {value!r}", "names"
            )
        return value

    def _resolve(self, name: str, line: int) -> Any:
        if name in self._values:
            return self._values[name]
        declaration = self._declarations.get(name)
        if declaration is None:
            raise TemplateError(self._place(line), f"{name} is not declared", "references")
        if name in self._open:
            raise TemplateError(self._place(line), f"{name} needs itself", "references")
        self._open.add(name)
        self._values[name] = self._declared(declaration)
        self._open.discard(name)
        return self._values[name]

    def _declared(self, declaration: Any) -> Any:
        match declaration:
            case Parameter(default=default) if default is not None:
                return self._checked(declaration, self._evaluate(default, {}), self._place(declaration.line))
            case Variable(value=value):
                return self._evaluate(value, {})
        return self._instances(declaration)

    def _output(self, output: Output) -> Any:
        value = self._evaluate(output.value, {})
        value = value.runtime() if isinstance(value, Reference) else value
        if not isinstance(value, _PYTHON_TYPES[output.type]):
            problem = f"output {output.name} is {output.type}, and not {type(value).__name__}"
            raise TemplateError(self._place(output.line), problem, "references")
        return value

    # Resources and modules.

    def _instances(self, declaration: Resource | Module) -> Any:
        if declaration.condition is not None and not self._holds(declaration.condition, {}):
            return ModuleHandle(declaration.symbol)
        if isinstance(declaration.body, ObjectNode):
            return self._instance(declaration, declaration.body, {})
        loop, instances = declaration.body, list[Any]()
        for item in self._items(loop, {}):
            names = {loop.variable: item}
            deployed = loop.condition is None or self._holds(loop.condition, names)
            assert isinstance(loop.body, ObjectNode)
            instances.append(
                self._instance(declaration, loop.body, names) if deployed else ModuleHandle(declaration.symbol)
            )
        return instances

    def _instance(self, declaration: Resource | Module, node: ObjectNode, names: dict[str, Any]) -> Any:
        if isinstance(declaration, Resource):
            return self._resource(declaration, node, names)
        return self._module(declaration, node, names)

    def _resource(self, declaration: Resource, node: ObjectNode, names: dict[str, Any]) -> Deployed:
        place, special = self._place(declaration.line), dict[str, Any]()
        body = Body(place)
        for entry in node.entries:
            value = self._evaluate(entry.value, names)
            if not isinstance(entry.key, str):
                raise TemplateError(self._place(entry.line), "a resource's own properties have plain names")
            if entry.key in ("parent", "scope", "name"):
                special[entry.key] = value
            elif entry.key != "dependsOn":
                body[entry.key], body.places[entry.key] = _resolved(value), self._place(entry.line)
        name, resource, scope = self._identity(declaration, special, place)
        deployed = Deployed(
            type=declaration.type,
            version=declaration.version,
            name=name,
            id=resource,
            body=body,
            place=place,
            template=self._template.path,
            deployment=self._deployment,
            existing=declaration.existing,
            scope=scope,
        )
        self._evaluation.resources.append(deployed)
        return deployed

    def _identity(self, declaration: Resource, special: dict[str, Any], place: Place) -> tuple[str, str, str]:
        """The full name of a resource, its id, and the id of the resource that it extends."""
        parent, scope, name = special.get("parent"), special.get("scope"), special.get("name")
        if not isinstance(name, str):
            raise TemplateError(place, f"{declaration.symbol} has no name", "required")
        provider, *segments = declaration.type.split("/")
        if parent is not None:
            if not isinstance(parent, Deployed) or declaration.type.rpartition("/")[0].lower() != parent.type.lower():
                raise TemplateError(place, f"the parent of {declaration.type} is of another type", "references")
            return f"{parent.name}/{name}", f"{parent.id}/{segments[-1]}/{name}", parent.scope
        parts = name.split("/")
        if len(parts) != len(segments) and not isinstance(name, Runtime):
            raise TemplateError(
                place, f"{declaration.type} needs {len(segments)} names, and {name!r} has {len(parts)}", "names"
            )
        path = "/".join(part for pair in zip(segments, parts, strict=False) for part in pair)
        if isinstance(scope, Deployed):
            return name, f"{scope.id}/providers/{provider}/{path}", scope.id
        base = scope[_SCOPE_KEY] if isinstance(scope, dict) else self._deployment.id
        if declaration.type == "Microsoft.Resources/resourceGroups":
            return name, Deployment(subscription=self._deployment.subscription, group=name).id, ""
        return name, f"{base}/providers/{provider}/{path}", ""

    def _module(self, declaration: Module, node: ObjectNode, names: dict[str, Any]) -> ModuleHandle:
        place = self._place(declaration.line)
        values = {str(entry.key): (self._evaluate(entry.value, names), entry.line) for entry in node.entries}
        for key, (_, line) in values.items():
            if key not in ("name", "params", "scope", "dependsOn"):
                raise TemplateError(self._place(line), f"a module has no {key}", "property")
        if "name" not in values:
            raise TemplateError(place, f"module {declaration.symbol} has no name", "required")
        path = _joined(self._template.path, declaration.path)
        template = self._files.template(path, place)
        deployment = self._target(template, values.get("scope", (None, 0))[0], place)
        parameters = {name: _resolved(value) for name, value in values.get("params", ({}, 0))[0].items()}
        scope = _Scope(self._files, template, parameters, deployment, self._evaluation, place)
        return ModuleHandle(declaration.symbol, scope.run())

    def _target(self, template: Template, scope: Any, place: Place) -> Deployment:
        """Where a module is deployed. Its own `targetScope` has to be met."""
        identifier = scope.id if isinstance(scope, Deployed) else scope[_SCOPE_KEY] if isinstance(scope, dict) else ""
        parts = identifier.split("/") if identifier else self._deployment.id.split("/")
        group = parts[4] if len(parts) > 4 else ""
        if (template.scope == "resourceGroup") != bool(group):
            problem = f"{template.path} is for a {template.scope}, and the module's scope is none"
            raise TemplateError(place, problem, "scope")
        return Deployment(
            subscription=parts[2], group=group, location=self._deployment.location, tenant=self._deployment.tenant
        )

    # Expressions.

    def _holds(self, condition: Expression, names: dict[str, Any]) -> bool:
        value = self._evaluate(condition, names)
        if not isinstance(value, bool):
            raise TemplateError(self._place(condition.line), f"a condition is {value!r}, and must be true or false")
        self._evaluation.conditions.setdefault(self._place(condition.line), set()).add(value)
        return value

    def _items(self, loop: Loop, names: dict[str, Any]) -> list[Any]:
        items = self._evaluate(loop.source, names)
        if not isinstance(items, list):
            raise TemplateError(self._place(loop.line), f"a loop needs an array, and not {items!r}")
        return items

    def _evaluate(self, node: Expression, names: dict[str, Any]) -> Any:
        match node:
            case Literal(value=value):
                return value
            case Text(parts=parts):
                return self._text(parts, names)
            case Name(name=name):
                return names[name] if name in names else self._resolve(name, node.line)
            case Member(base=base, name=name):
                return self._member(self._evaluate(base, names), name, node.line)
            case Index(base=base, key=key):
                return self._index(self._evaluate(base, names), self._evaluate(key, names), node.line)
            case Call():
                return self._call(node, names)
            case Unary(operator=operator, operand=operand):
                value = self._evaluate(operand, names)
                return not value if operator == "!" else -value
            case Binary():
                return self._binary(node, names)
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return self._evaluate(then if self._holds(condition, names) else otherwise, names)
            case ObjectNode(entries=entries):
                body = Body(self._place(node.line))
                for entry in entries:
                    label = entry.key if isinstance(entry.key, str) else self._text(entry.key.parts, names)
                    body[label] = _resolved(self._evaluate(entry.value, names))
                    body.places[label] = self._place(entry.line)
                return body
            case ArrayNode(items=items):
                return [self._evaluate(item, names) for item in items]
        assert isinstance(node, Loop)
        return [self._evaluate(node.body, {**names, node.variable: item}) for item in self._items(node, names)]

    def _text(self, parts: tuple[str | Expression, ...], names: dict[str, Any]) -> str:
        values = [part if isinstance(part, str) else _resolved(self._evaluate(part, names)) for part in parts]
        text = "".join(value if isinstance(value, str) else json.dumps(value) for value in values)
        return Runtime(text) if any(isinstance(value, Runtime) for value in values) else text

    def _member(self, base: Any, name: str, line: int) -> Any:
        match base:
            case Deployed():
                if name in ("id", "name", "type"):
                    return {"id": base.id, "name": base.short_name, "type": base.type}[name]
                return self._reference(base, (name,), line)
            case Reference(resource=resource, path=path):
                return self._reference(resource, (*path, name), line)
            case ModuleHandle(outputs=None):
                raise TemplateError(
                    self._place(line), f"{base.symbol} is not deployed with these parameters", "references"
                )
            case ModuleHandle(outputs=outputs):
                assert outputs is not None
                return dict(outputs) if name == "outputs" else self._member(outputs, name, line)
            case dict() if name in base:
                return base[name]
        raise TemplateError(self._place(line), f"there is no {name} in it", "references")

    def _reference(self, resource: Deployed, path: tuple[str, ...], line: int) -> Reference:
        reference = Reference(resource, path)
        self._evaluation.references.append((self._place(line), reference))
        return reference

    def _index(self, base: Any, key: Any, line: int) -> Any:
        try:
            return base[key]
        except (LookupError, TypeError) as error:
            raise TemplateError(self._place(line), f"there is no [{key!r}] in it", "references") from error

    def _call(self, node: Call, names: dict[str, Any]) -> Any:
        if problem := arity_problem(node.function, len(node.arguments)):
            raise TemplateError(self._place(node.line), problem)
        arguments = [_resolved(self._evaluate(argument, names)) for argument in node.arguments]
        try:
            if node.function not in PURE:
                return self._placed(node, arguments)
            if not known(arguments) and node.function in ("guid", "uniqueString"):
                return PURE[node.function].body(*map(str, arguments))
            return PURE[node.function].body(*arguments)
        except TemplateError:
            raise
        except Exception as error:
            raise TemplateError(self._place(node.line), f"{node.function} fails: {error}") from error

    def _placed(self, node: Call, arguments: list[Any]) -> Any:
        """The functions that know where the template stands."""
        here, place = self._deployment, self._place(node.line)
        match node.function:
            case "resourceId":
                return resource_id(here, arguments)
            case "subscriptionResourceId":
                return resource_id(here, arguments, of_subscription=True)
            case "resourceGroup":
                subscription = arguments[0] if len(arguments) == 2 else here.subscription
                group = arguments[-1] if arguments else here.group
                identifier = Deployment(subscription=subscription, group=group).id
                return {_SCOPE_KEY: identifier, "id": identifier, "name": group, "location": here.location}
            case "subscription":
                subscription = arguments[0] if arguments else here.subscription
                identifier = f"/subscriptions/{subscription}"
                return {
                    _SCOPE_KEY: identifier,
                    "id": identifier,
                    "subscriptionId": subscription,
                    "tenantId": here.tenant,
                }
            case "tenant":
                return {"tenantId": here.tenant}
            case "utcNow":
                return "2026-01-01"
            case "environment":
                return ENVIRONMENT
        text = self._files.text(_joined(self._template.path, arguments[0]), place)
        return json.loads(text) if node.function == "loadJsonContent" else text

    def _binary(self, node: Binary, names: dict[str, Any]) -> Any:
        left = self._evaluate(node.left, names)
        match node.operator:
            case "&&":
                return left and self._evaluate(node.right, names)
            case "||":
                return left or self._evaluate(node.right, names)
            case "??":
                return self._evaluate(node.right, names) if left is None else left
        right = self._evaluate(node.right, names)
        match node.operator:
            case "==":
                return left == right
            case "!=":
                return left != right
        if not isinstance(left, int) or not isinstance(right, int):
            raise TemplateError(self._place(node.line), f"{node.operator} needs whole numbers")
        operations = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
        sums = {"+": left + right, "-": left - right, "*": left * right}
        return operations[node.operator] if node.operator in operations else sums[node.operator]


def _resolved(value: Any) -> Any:
    if isinstance(value, Reference):
        return value.runtime()
    return [_resolved(item) for item in value] if isinstance(value, list) else value


def _joined(template: str, path: str) -> str:
    """*path* as it is written in *template*, from the folder of all templates."""
    parts = list[str]()
    for part in (*PurePosixPath(template).parent.parts, *PurePosixPath(path).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
