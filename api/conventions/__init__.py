"""What all resources share: problems, fields, cursors, validators and repeated requests."""
