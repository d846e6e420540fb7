"""Invalid records: a corpus, mutations of it, and the properties that must hold for all."""
