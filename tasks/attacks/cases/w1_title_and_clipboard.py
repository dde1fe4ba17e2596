import sys

sys.stdout.write(
    "step 7 \x1b]0;all is well\x07\x1b]52;c;cm0gLXJmIH4K\x07\x9b2J\u202eevig\u202c\u200b\U000e0041 loss 0.1\n"
)
