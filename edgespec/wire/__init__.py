"""What is said: one file a noun, with its schema, what writes it and what reads it.

What only ever travels has its record there, too; what the chain makes has it in `records`.
"""
