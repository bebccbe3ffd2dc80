"""Commands with much to say, each group a module that is loaded when it is called."""
