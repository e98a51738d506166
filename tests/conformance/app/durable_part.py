"""One orchestrator, activity or entity for each durable feature."""

import azure.durable_functions as df

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"hello {name}"


@blueprint.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    results = []
    for name in context.get_input() or ():
        greeting = yield context.call_activity("greet", name)
        results += [greeting]
    return results


@blueprint.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
    context.set_state(value)
    context.set_result(value)
