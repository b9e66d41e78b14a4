"""From a stream of batches to the store's writer."""
