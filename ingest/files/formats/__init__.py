"""Headers of files, read without FFmpeg: their length, their programs, their tiles."""
