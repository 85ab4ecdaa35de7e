from moodline.cli import main

main()
