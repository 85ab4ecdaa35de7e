"""Files on a disk that others use too: opened safely, in allowed folders, with space left free."""
