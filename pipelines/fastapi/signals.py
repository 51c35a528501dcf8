"""Hear a server's signals before it does: it tells the lifespan last, after all open answers have ended."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any]

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def heard_first(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at a signal that ends the server, and then what the server had installed for it.

    Without a server that handles it, or in a thread, where Python hears no signals, nothing is changed.
    """
    installed: dict[signal.Signals, tuple[Handler, Handler]] = {}
    if threading.current_thread() is threading.main_thread():
        installed = {each: (_before(act, server), server) for each in SIGNALS if (server := _handler(each))}
    for each, (ours, _) in installed.items():
        signal.signal(each, ours)
    try:
        yield
    finally:
        for each, (ours, server) in installed.items():
            if signal.getsignal(each) is ours:  # who came after us restores what he found
                signal.signal(each, server)


def _handler(number: signal.Signals) -> Handler | None:
    handler = signal.getsignal(number)
    return handler if callable(handler) else None


def _before(act: Callable[[], None], server: Handler) -> Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        act()
        server(number, frame)

    return handle
