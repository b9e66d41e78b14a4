"""Parts of the fault suite: a sender, a receiver, and an oracle that knows every value."""
