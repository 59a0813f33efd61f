"""The same verbs over many processes, or many machines, on an engine that exists."""
