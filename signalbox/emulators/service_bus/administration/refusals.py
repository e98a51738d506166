"""How the administration refuses: a status with the service's sentence, or 501 for what is not served here."""

_MORE = "To know more visit https://aka.ms/sbResourceMgrExceptions. "


class AdministrationError(Exception):
    """A request that is answered with *status* and an Error document."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def bad(detail: str) -> AdministrationError:
    return AdministrationError(400, f"SubCode=40000. {detail} {_MORE}")


def out_of_range(detail: str, name: str, value: str) -> AdministrationError:
    """As .NET says that an argument is out of its range."""
    return AdministrationError(
        400, f"SubCode=40000. {detail} {_MORE}\r\nParameter name: {name}\r\nActual value was {value}."
    )


def conflict() -> AdministrationError:
    detail = "Conflict. You're requesting an operation that isn't allowed in the resource's current state."
    return AdministrationError(409, f"SubCode=40900. {detail} {_MORE}")


def not_served(what: str) -> AdministrationError:
    return AdministrationError(
        501, f"The local Service Bus does not serve {what}; docs/service-bus.md says what it does. "
    )


def given(path: str) -> AdministrationError:
    """Of what the settings made: it can be read, and not changed."""
    detail = f"'{path}' belongs to the local cloud's settings, which alone change it."
    return AdministrationError(409, f"SubCode=40900. {detail} {_MORE}")


def not_found(path: str) -> AdministrationError:
    return AdministrationError(404, f"Entity '{path}' was not found. {_MORE}")
