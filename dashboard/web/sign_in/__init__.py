"""Sign-in: the gate, its form and cookies, and the limits on guessing."""
