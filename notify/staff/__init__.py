"""Who may do what, how they sign in, how they are called, and how they practise."""
