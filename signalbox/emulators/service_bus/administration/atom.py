"""ATOM documents as the service writes them, and the descriptions in those that clients send."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from signalbox.emulators.service_bus.administration.refusals import bad, not_served

SERVICE_BUS = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ATOM = "http://www.w3.org/2005/Atom"
_COUNTS = "http://schemas.microsoft.com/netservices/2011/06/servicebus"
_LEAVES_UNREAD = ("CountDetails",)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def description(tag: str, content: str) -> str:
    """A description of the kind *tag*, whose *content* is XML."""
    return f'<{tag} xmlns="{SERVICE_BUS}" xmlns:i="{INSTANCE}">{content}</{tag}>'


def counts(numbers: Mapping[str, int]) -> str:
    """What lies at an entity, in the order in which the service says it."""
    parts = "".join(f"<d2p1:{name}>{number}</d2p1:{name}>" for name, number in numbers.items())
    return f'<CountDetails xmlns:d2p1="{_COUNTS}">{parts}</CountDetails>'


def entry(address: str, title: str, times: tuple[float, float], content: str, *, is_listed: bool = False) -> str:
    """*times*: when it was made and last changed. The document's own root, unless it is part of a list."""
    published, updated = (moment(time)[:19] + "Z" for time in times)
    space = "" if is_listed else f' xmlns="{_ATOM}"'
    return (
        f'<entry{space}>{element("id", address)}<title type="text">{escape(title)}</title>'
        f"<published>{published}</published><updated>{updated}</updated>"
        f'<link rel="self" href={quoteattr(address)}/><content type="application/xml">{content}</content></entry>'
    )


def feed(title: str, address: str, now: float, entries: Iterable[str], following: str = "") -> str:
    """A page of a list; *following* is the address of the next one."""
    link = f'<link rel="next" href={quoteattr(following)}/>' if following else ""
    return (
        f'<feed xmlns="{_ATOM}"><title type="text">{escape(title)}</title>{element("id", address)}'
        f'<updated>{moment(now)[:19]}Z</updated><link rel="self" href={quoteattr(address)}/>{link}'
        f"{''.join(entries)}</feed>"
    )


def nothing(now: float) -> str:
    """What the service answers, with 200, where a queue or a topic is asked for that is not there."""
    return (
        f'<feed xmlns="{_ATOM}"><title type="text">Publicly Listed Services</title>'
        '<subtitle type="text">This is the list of publicly-listed services currently available.</subtitle>'
        f"<id>uuid:{uuid4()};id=1</id><updated>{moment(now)[:19]}Z</updated>"
        "<generator>Service Bus 1.1</generator></feed>"
    )


def error(status: int, detail: str, place: str, now: float) -> str:
    detail = f"{detail}TrackingId:{uuid4()}_G1, SystemTracker:{place}, Timestamp:{moment(now)[:19]}"
    return f"<Error>{element('Code', str(status))}{element('Detail', detail)}</Error>"


def read_description(body: bytes) -> ElementTree.Element:
    """The description in an entry. Raises AdministrationError."""
    if b"<!" in body:  # Neither the service nor its clients use document types, which can be made to grow without end.
        raise bad("The document has a document type.")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError) as failure:
        raise bad(f"The document is no XML: {failure}.") from failure
    content = root.find(f"{{{_ATOM}}}content") if root.tag == f"{{{_ATOM}}}entry" else None
    if content is None or len(content) != 1:
        raise bad("The document is no entry with one description.")
    return content[0]


def local_name(node: ElementTree.Element) -> str:
    """The tag of an element of the service's own namespace; clients leave out what stands for it."""
    return node.tag.removeprefix(f"{{{SERVICE_BUS}}}").removeprefix(f"{{{_ATOM}}}")


def texts(node: ElementTree.Element) -> dict[str, str]:
    """The values of a description by name. Raises AdministrationError for one that is not a text, or comes twice."""
    values = dict[str, str]()
    for child in node:
        name = local_name(child)
        if name in values:
            raise bad(f"The description has {name} twice.")
        if len(child) and name not in _LEAVES_UNREAD:
            raise not_served(name)
        if name != "AuthorizationRules":  # An empty list of rules is none.
            values[name] = (child.text or "").strip()
    return values
