"""Asks a .tflite file two texts in a process of its own.

LiteRT trusts the options of a file's operators, so a damaged file can end the process, loop without
an end or take all memory. Here, that ends the child.
"""

import subprocess
import sys

SECONDS = 30
MEMORY = 4 * 2**30  # bytes of address space
REFUSED = 3  # exit status
# Isolated, so that nothing is imported from the working directory that the caller would not import.
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from zoo.probe import main; sys.exit(main())"


def ask(content: bytes, vocabulary: int) -> None:
    """Runs a file in a child process.

    Args:
        content: A .tflite file from int32 [1, L].
        vocabulary: Token ids that it is asked with are 0 up to below this.

    Raises:
        ValueError: If the runtime refuses the file, dies of it, or does not end.
    """
    command = [sys.executable, "-I", "-c", PROGRAM, str(vocabulary), *sys.path]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(
            f"LiteRT gave no answer in {SECONDS} seconds; the file is damaged, or too large"
        ) from None
    if done.returncode == REFUSED:
        raise ValueError(f"LiteRT refuses it: {done.stdout.decode(errors='replace')}")
    if done.returncode:
        raise ValueError(
            f"the file is damaged: LiteRT, asked in a process of its own, ended it with status "
            f"{done.returncode}; copy the file again, or export it anew"
        )


def _run(content: bytes, vocabulary: int) -> None:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    shape = taken["shape"]
    full = np.arange(np.prod(shape), dtype=np.int64)[::-1].reshape(shape) % vocabulary
    for ids in (np.zeros(shape), full):  # the shortest text and the longest
        interpreter.set_tensor(taken["index"], ids.astype(np.int32))
        interpreter.invoke()


def main() -> int:
    """Asks the file on standard input, and returns the exit status.

    The command line has the number of token ids, then the path that modules are imported from.
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
        # By the standard output, since LiteRT writes lines of its own to the other.
        print(" ".join(str(error).split())[:500] or type(error).__name__, end="")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
