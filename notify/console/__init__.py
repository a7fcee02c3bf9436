"""The staff console: pages that browsers show, over the same verbs as the API and the command line."""
