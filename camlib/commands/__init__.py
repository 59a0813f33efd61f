"""What `camlib` does on the command line, one module a command.
Only words, files and exit codes live here; the work is done by the rooms above.
"""
