"""Where people answer: the desk, what is written to it, needs, questions and their answers."""
