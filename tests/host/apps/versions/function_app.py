"""An app whose second release does more: the old steps stay for the instances that began with them."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="step")
def work(step: str) -> str:
    return step


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext):
    steps = [(yield context.call_activity("work", "validate"))]
    yield context.wait_for_external_event("Approval")
    if context.version != "1.0":
        steps.append((yield context.call_activity("work", "discount")))
    steps.append((yield context.call_activity("work", "ship")))
    return [context.version, *steps]


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    yield context.wait_for_external_event("Go")
    own = yield context.call_sub_orchestrator("child")
    asked = yield context.call_sub_orchestrator("child", version="1.0")
    return [context.version, own, asked]


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext):
    return context.version


@app.orchestration_trigger(context_name="context")
def again(context: df.DurableOrchestrationContext):
    if context.get_input() == 0:
        return context.version
    yield context.wait_for_external_event("Go")
    context.continue_as_new(context.get_input() - 1)
