"""The host's own certificate: asked for with a token, renewed before it ends."""
