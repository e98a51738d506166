"""What a page of the console is: its path, what it reads of the API, its forms, and how it is shown.

`triggers.console.pages` is the table of all pages. A page has no permission of its own: it needs those of what it
reads.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.application.sessions import ConsoleSession

if TYPE_CHECKING:
    from shared.clients import Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class PageForm:
    """A form on a page: POST to `PATH/NAME` calls *operation* of the API, then leads back to the page.

    *fields* become the body, those of *numbers* as whole numbers; those of *bound* are part of the form's signature: a
    form that was made for one evidence cannot be sent for another. A field `SECTION.NAME` becomes NAME of
    SECTION in the body. *done* tells what has happened.

    With *each* the operation is called for each name in the field `names`, as that parameter of its path: the API
    judges every one by itself, and what it refuses is told.
    """

    name: str
    operation: str
    fields: tuple[str, ...]
    done: str
    bound: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    each: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A *template* with its data; *title* is the page's own, before the product's.

    It *moves* where the app is at work on something that it shows, so that it will soon be another one by itself.
    """

    template: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedDocument:
    """A page that was made elsewhere, of what people and jobs wrote: it is shown apart, and nothing in it runs."""

    html: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What was asked for is the page at *address*, a path of the console."""

    address: str


class ApiCall(Protocol):
    """Calls an operation of the API for the session's person: parameters of its path by name, its query, its body."""

    def __call__(
        self,
        operation: str,
        parameters: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request to a page by *session*. *api* is the only way to data, and raises Problem as the API does.

    *parameters* are those of the path, *query* those behind it. *refusal* says why the form that was sent was refused,
    *entered* what was in it. *held* is the form that was not sent because its person had to sign in first.
    """

    session: ConsoleSession
    clients: "Clients"
    api: ApiCall
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    now: datetime
    refusal: str = ""
    held: str = ""
    entered: Mapping[str, str] = field(default_factory=dict)


Show = Callable[[PageRequest], Awaitable[View | FramedDocument | Elsewhere]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """*path* is below `/console/`. *reads* are the operations of the API that *show* calls; the first of them decides
    whether the page is offered to a person. *label* is its name in the navigation, empty where it is not there; the
    pages *aside* stand behind "More".

    *lists* are the indexes that tell of every change of the page, as those of a route of the API.
    """

    path: str
    show: Show
    reads: tuple[str, ...]
    label: str = ""
    aside: bool = False
    forms: tuple[PageForm, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.show.__module__.rpartition(".")[2]
