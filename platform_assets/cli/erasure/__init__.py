"""`platform erase`: the command, the survey before and the proof after a person is removed."""
