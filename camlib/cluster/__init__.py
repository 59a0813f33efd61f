"""The same verbs over many processes, or many machines, on an engine that exists; what is cut into shards
is joined to just what one pass would have found."""
