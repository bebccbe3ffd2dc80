"""Pure rules of disclosure: what of the others' events is public, and the forms of text."""
