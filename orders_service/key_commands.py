"""`orders keys`: API keys of the running service, issued, listed and revoked over HTTP."""

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from orders_service.client import Client, client_for
from orders_service.settings import load

keys = typer.Typer(
    help="API keys of the running service. The credential is ORDERS_ADMIN_KEY, in development the known one.",
    no_args_is_help=True,
)

Url = Annotated[str | None, typer.Option(help="Where the service is, if not on this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

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
    issued = _client(url).call("POST", PATH, draft)
    typer.echo(json.dumps(issued) if as_json else issued["key"])
    if not as_json:
        typer.echo(f"This is key {issued['id']} of {principal}. Keep it now: it cannot be shown again.", err=True)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as in the list; not the key itself.")],
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key. Fine if it was revoked before."""
    _client(url).call("DELETE", f"{PATH}/{quote(key_id, safe='')}")
    typer.echo(json.dumps({"id": key_id, "revoked": True}) if as_json else f"Key {key_id} is revoked.")


@keys.command("list")
def show(*, url: Url = None, as_json: AsJson = False) -> None:
    """List all keys, newest first; never their secrets."""
    found = _client(url).get(PATH)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for key in found["items"]:
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else "live"
        rights = "admin" if key["is_admin"] else " ".join(key["scopes"])
        typer.echo(f"{key['id']}  {key['created_at']}  {state}  {key['principal']}  {rights}")


def _client(url: str | None) -> Client:
    return client_for(load(), url)
