"""What is said: runbooks, facts and the scripts made from them."""
