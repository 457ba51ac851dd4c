"""The command line: thin verbs over a workspace."""
