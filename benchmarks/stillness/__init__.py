"""The benchmark `stillness`: how much still pictures and living faces change."""
