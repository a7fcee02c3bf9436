"""How it is said: templates, translations, and one record of an alert put into every language and channel."""
