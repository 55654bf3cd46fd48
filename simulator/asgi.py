"""Over a socket: the ASGI application, and a server for tests and for `gameday serve`."""

from simulator.application import app
from simulator.server import Server, serve

__all__ = ["Server", "app", "serve"]
