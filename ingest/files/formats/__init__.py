"""What files say of themselves, read without FFmpeg: their length, their programs, their tiles."""
