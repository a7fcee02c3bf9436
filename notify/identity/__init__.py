"""Signing in through the city's own identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE)."""
