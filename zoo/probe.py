"""Runs a .tflite file on two texts in a separate process.

LiteRT trusts the options of a file's operators, so a damaged file can crash the process, loop
forever or use up the memory. Here, that only ends the child process.
"""

import subprocess
import sys

SECONDS = 30
MEMORY = 4 * 2**30  # bytes of address space
REFUSED = 3  # exit status
# In isolated mode, with the caller's path: nothing else is imported from the working directory.
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from zoo.probe import main; sys.exit(main())"


def ask(content: bytes, vocabulary: int) -> None:
    """Runs a file in a child process.

    Args:
        content: A .tflite file from int32 [1, L].
        vocabulary: Number of token ids; the ids of the texts are below it.

    Raises:
        ValueError: If the runtime refuses the file, crashes or times out.
    """
    command = [sys.executable, "-I", "-c", PROGRAM, str(vocabulary), *sys.path]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(
            f"LiteRT gave no answer in {SECONDS} seconds; the file is damaged or too large"
        ) from None
    if done.returncode == REFUSED:
        raise ValueError(f"LiteRT refuses it: {done.stdout.decode(errors='replace')}")
    if done.returncode:
        raise ValueError(
            "the file is damaged: LiteRT ended a separate process with status "
            f"{done.returncode}; copy the file again, or export it again"
        )


def _run(content: bytes, vocabulary: int) -> None:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    ids_input, *others = interpreter.get_input_details()
    shape = ids_input["shape"]
    full = np.arange(np.prod(shape), dtype=np.int64)[::-1].reshape(shape) % vocabulary
    for ids in (np.zeros(shape), full):  # the shortest text and the longest
        interpreter.set_tensor(ids_input["index"], ids.astype(np.int32))
        for other in others:  # the mask and the segment ids of word pieces
            interpreter.set_tensor(other["index"], np.zeros(shape, np.int32))
        interpreter.invoke()


def main() -> int:
    """Runs the file on standard input and returns the exit status.

    The arguments are the number of token ids, then the entries of `sys.path`.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ImportError:  # Windows has none
        pass
    try:
        _run(sys.stdin.buffer.read(), int(sys.argv[1]))
    except (ValueError, RuntimeError, MemoryError) as error:
        # On standard output, since LiteRT itself writes to standard error.
        print(" ".join(str(error).split())[:500] or type(error).__name__, end="")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
