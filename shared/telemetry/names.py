"""The names of metrics and attributes, apart from OpenTelemetry: an agent that has none checks the queries by them."""

SECONDS = {
    "signalbox.start.lag": "from when the cause happened to the start of what it starts",
    "signalbox.queue.age": "that a message had lain in its queue when it was received, once for each delivery",
    "signalbox.effect.lag": "from the event, or from the start where no event came, to the published effect",
    "signalbox.activity.duration": "of one execution of an activity",
    "signalbox.job.duration": "from a job's creation until it was seen to have ended",
    "signalbox.approval.wait": "from the first look for an approval to its decision",
}
COUNTS = {
    "signalbox.events": "events received, by what became of them",
    "signalbox.starts": "orchestrations asked for, by the host's answer",
    "signalbox.failures": "executions of activities that were refused or broke, by kind",
    "signalbox.runs": "runs that ended, by outcome",
    "signalbox.promotions": "promotions that ended, by fate",
    "signalbox.audit.problems": "what verification of the audit log sees: entries unsigned, altered or missing",
}
LEVELS = {
    "signalbox.backlog": "things that wait: dead letters, open jobs, streamed messages, what queues gave up",
    "signalbox.backlog.age": "seconds that the oldest of them has waited",
}

# Which attributes each may have. Queries and alerts of the infrastructure are checked against them.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "signalbox.start.lag": ("orchestration", "source"),
    "signalbox.queue.age": ("source",),
    "signalbox.effect.lag": ("effect", "route", "target", "source"),
    "signalbox.activity.duration": ("activity", "outcome"),
    "signalbox.job.duration": ("route", "state"),
    "signalbox.approval.wait": ("stage", "standing"),
    "signalbox.events": ("source",),
    "signalbox.starts": ("orchestration", "answer", "source"),
    "signalbox.failures": ("activity", "kind"),
    "signalbox.runs": ("route", "outcome"),
    "signalbox.promotions": ("target", "fate"),
    "signalbox.audit.problems": ("log",),
    "signalbox.backlog": ("what",),
    "signalbox.backlog.age": ("what",),
}

INSTANCE, ERROR = "signalbox.instance", "error.type"
# Every attribute that a span of ours may have: queries of the infrastructure are checked against them.
SPAN_ATTRIBUTES = (
    INSTANCE,
    ERROR,
    "signalbox.event",
    "signalbox.job",
    "signalbox.job.name",
    "signalbox.stage",
    "signalbox.phase",
    "signalbox.move",
)
