"""Who is served: contacts, agents, the line, callbacks, and the journal that outlives a crash."""
