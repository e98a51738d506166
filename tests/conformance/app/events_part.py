"""Functions that the host starts itself, and one that tells what they have seen."""

import json

import azure.functions as func

blueprint = func.Blueprint()
seen: list[list[object]] = []


@blueprint.event_grid_trigger(arg_name="event")
def typed_event(event: func.EventGridEvent) -> None:
    if event.subject == "refused":
        raise ValueError("this event is refused")
    seen.append(["typed_event", event.id, event.event_type, event.subject, event.topic, event.get_json()])


@blueprint.event_grid_trigger(arg_name="event")
def cloud_event(event: func.CloudEvent) -> None:
    seen.append(["cloud_event", event.id, event.type, event.subject, event.source, event.get_json()])


@blueprint.event_grid_trigger(arg_name="event")
def any_event(event) -> None:
    seen.append(["any_event", event.id, type(event).__name__])


@blueprint.timer_trigger(arg_name="timer", schedule="%CONFORMANCE_SCHEDULE%")
def yearly(timer: func.TimerRequest) -> None:
    seen.append(["yearly", timer.past_due, sorted(timer.schedule_status), timer.schedule])


@blueprint.route("seen/{function}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def tell(req: func.HttpRequest) -> str:
    return json.dumps([fields[1:] for fields in seen if fields[0] == req.route_params["function"]])
