# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `kyrtos sample` does with a tokenizer.json, by Hugging Face's package tokenizers:

    tokenizer.py encode FILE TEXT    prints the numbers of its tokens
    tokenizer.py decode FILE         reads numbers, prints the text of each as it comes
"""

import os
import signal
import sys


def fail(words):
    print(words)  # for the program, which makes it part of its own message
    sys.exit(1)


def load(file):
    try:
        from tokenizers import Tokenizer
        from tokenizers.decoders import DecodeStream
    except ImportError as fault:
        fail(f"{fault} in {sys.executable}; install it with pip install 'tokenizers>=0.21', or name "
             "a Python that has it in KYRTOS_PYTHON")
    try:
        return Tokenizer.from_file(file), DecodeStream(skip_special_tokens=True)
    except Exception as fault:  # The package has no type of its own for them.
        fail(f"{file}: can't be read as a tokenizer ({fault}); get the model's again")


def utf8(argument):
    try:
        return os.fsencode(argument).decode()
    except UnicodeDecodeError as fault:
        fail(f"the text is no valid UTF-8 ({fault.reason} at byte {fault.start})")


def numbers(stream):
    """Each as soon as the space behind it is there."""
    rest = b""
    while chunk := os.read(stream.fileno(), 4096):
        *words, rest = (rest + chunk).split(b" ")
        yield from map(int, words)


def main(task, file, text=""):
    # As for other programs of a pipe: no traceback where the reader goes, or the user stops it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.reconfigure(encoding="utf-8")
    tokenizer, decoder = load(file)
    if task == "encode":
        print(*tokenizer.encode(utf8(text)).ids)
        return
    for number in numbers(sys.stdin):
        print(decoder.step(tokenizer, number) or "", end="", flush=True)
    print()


main(*sys.argv[1:])
