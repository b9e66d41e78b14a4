"""PromQL over the store, evaluated in columns: parser's tree in, vectors out."""
