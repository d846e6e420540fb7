"""Records that nobody should send: a corpus, mutations of it, and what must hold for all."""
