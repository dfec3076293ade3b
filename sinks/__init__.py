"""Where data goes: nouns, the service's name."""
