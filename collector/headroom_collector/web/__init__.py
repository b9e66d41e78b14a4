"""Page at ``/``: the estate at a glance, for people on a phone, a laptop or a wall screen."""
