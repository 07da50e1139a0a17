"""The way out: rendering, sealed contacts, the gateway."""
