"""`orders keys`: API keys of the running service, issued, listed and revoked over HTTP."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from orders_service.commands.options import AsJson, Url, connect
from orders_service.commands.showing import moment, note, say, show_json, show_table

keys = typer.Typer(help="API keys of the running service.", no_args_is_help=True)

PATH = "/v1/api-keys"


@keys.command()
def create(
    principal: Annotated[str, typer.Argument(help="Whose it is: what is placed with it belongs to this name.")],
    *,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; give it several times. Else what customers may.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything, and see everybody's.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key and print it. It is shown this once: nobody can show it again."""
    draft: dict[str, Any] = {"principal": principal, "is_admin": admin}
    if scope:
        draft["scopes"] = scope
    issued = connect(url).call("POST", PATH, draft)
    if as_json:
        show_json(issued)
        return
    say(issued["key"])
    note(f"This is key {issued['id']} of {principal}. Keep it now: it cannot be shown again.")


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as in the list; not the key itself.")],
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key. Fine if it was revoked before."""
    connect(url).call("DELETE", f"{PATH}/{quote(key_id, safe='')}")
    if as_json:
        show_json({"id": key_id, "revoked": True})
    else:
        say(f"Key {key_id} is revoked.")


@keys.command("list")
def show(*, url: Url = None, as_json: AsJson = False) -> None:
    """List all keys, newest first; never their secrets."""
    found = connect(url).get(PATH)
    if as_json:
        show_json(found)
        return
    show_table(("ID", "CREATED", "STATE", "PRINCIPAL", "MAY"), map(_row, found["items"]), empty="There are no keys.")


def _row(key: dict[str, Any]) -> tuple[object, ...]:
    state = f"revoked {moment(key['revoked_at'])}" if key["revoked_at"] else "live"
    rights = "everything" if key["is_admin"] else " ".join(key["scopes"])
    return key["id"], moment(key["created_at"]), state, key["principal"], rights
