"""The parts that all pages share: guard, sign-in, shell, bundling, palette and number formats.

Nothing that only one page needs belongs here.
"""
