"""Where data comes from: nouns, the protocol's or service's name. May read the clock."""
