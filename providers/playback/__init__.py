"""Exchanges that were recorded, answered from again: as a transport, and as a server."""
