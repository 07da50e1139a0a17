"""Tables and payloads: what is stored and what travels. No behaviour lives here."""
