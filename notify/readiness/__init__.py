"""Whether a city may rely on this instance: every check a sentence, with what to do."""
